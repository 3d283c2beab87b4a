"""Common names of Mumbai and its surroundings, most common first."""

FEMALE = """
Priya|Pooja|Neha|Sneha|Anjali|Kavita|Sunita|Swati|Shruti|Deepa|Asha|Rekha|Meena|Nisha|Ritu|Divya|Aarti|Jyoti|Komal
Pallavi|Rupali|Manisha|Vaishali|Snehal|Prajakta|Tejal|Ketaki|Mrunal|Gauri|Isha|Ananya|Aditi|Radhika|Lakshmi|Meera
Shalini|Sangeeta|Usha|Vidya|Bhavna|Chitra|Fatima|Ayesha|Zoya|Sana|Maria|Sheetal|Sonali|Tanvi|Urmila|Varsha|Yamini
Leena|Nandini|Payal|Renuka|Saloni|Trupti|Amruta|Bhakti
"""

MALE = """
Amit|Rahul|Rohit|Sachin|Vijay|Sanjay|Rajesh|Suresh|Ramesh|Mahesh|Ganesh|Prakash|Anil|Sunil|Manoj|Vikas|Nitin|Nilesh
Yogesh|Mangesh|Sandeep|Pradeep|Kiran|Ravi|Ajay|Abhishek|Akshay|Aditya|Arjun|Karan|Kunal|Omkar|Pranav|Rohan|Saurabh
Siddharth|Tushar|Vaibhav|Varun|Vishal|Arun|Ashok|Balaji|Chetan|Deepak|Dinesh|Farhan|Imran|Irfan|Joseph|Harish
Hemant|Jatin|Mihir|Nikhil|Parag|Shubham|Swapnil|Tejas|Uday
"""

LAST = """
Patil|Sharma|Shinde|Jadhav|Pawar|More|Kulkarni|Deshmukh|Joshi|Gaikwad|Chavan|Kale|Sawant|Kadam|Mane|Salunkhe|Bhosale
Thakur|Mhatre|Bhoir|Gupta|Singh|Yadav|Mishra|Shah|Patel|Mehta|Desai|Iyer|Nair|Menon|Pillai|Reddy|Rao|Shetty|Hegde
Kamath|Pai|Bhat|Naik|Sawardekar|Rane|Parab|Gawde|Tawde|Dalvi|Surve|Ghag|Vichare|Khan|Shaikh|Ansari|Qureshi|Pathan
Fernandes|Dsouza|Pereira|Rodrigues|Verma|Tiwari|Pandey|Dubey|Chaudhari|Wagh|Nikam|Sonawane|Ahire|Borse|Mahajan
Agarwal|Jain|Bansal|Kapoor|Malhotra|Khanna|Chopra|Bhatia|Arora|Sethi|Gokhale|Apte|Bapat|Karnik|Phadke|Ranade|Limaye
Vaidya|Deshpande|Kelkar|Oak|Gore|Sathe|Subramanian|Krishnan|Raman|Venkatesan|Balan|Das|Sen|Ghosh|Banerjee|Mukherjee
Dutta|Tambe|Thorat|Lokhande
"""
