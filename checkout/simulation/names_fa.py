"""Common Iranian names with their usual Latin spelling, most common first."""

FEMALE = """
فاطمه Fatemeh|زهرا Zahra|مریم Maryam|معصومه Masoumeh|سمیه Somayeh|لیلا Leila|مینا Mina|سارا Sara|نرگس Narges
الهام Elham|زینب Zeynab|سکینه Sakineh|طاهره Tahereh|مهسا Mahsa|نازنین Nazanin|الهه Elaheh|پریسا Parisa|نگار Negar
هدیه Hedieh|شیما Shima|شیوا Shiva|مهناز Mahnaz|شهناز Shahnaz|فرشته Fereshteh|فریبا Fariba|مرضیه Marzieh
راضیه Razieh|آزاده Azadeh|بهاره Bahareh|سپیده Sepideh|ندا Neda|نسرین Nasrin|نسیم Nasim|پروانه Parvaneh
پروین Parvin|شهین Shahin|مهین Mahin|آرزو Arezou|سحر Sahar|ساناز Sanaz|سولماز Solmaz|آیدا Ayda|آیناز Aynaz
الناز Elnaz|گلناز Golnaz|شبنم Shabnam|شادی Shadi|شقایق Shaghayegh|یاسمن Yasaman|نیلوفر Niloufar|لاله Laleh
سوسن Sousan|مهرناز Mehrnaz|مژگان Mojgan|مژده Mojdeh|میترا Mitra|مهتاب Mahtab|ماندانا Mandana|رویا Roya
رها Raha|ریحانه Reyhaneh|راحله Raheleh|سمانه Samaneh|سمیرا Samira|سیما Sima|سیمین Simin|ستاره Setareh
ترانه Taraneh|تینا Tina|تارا Tara|ترنم Tarannom|هانیه Haniyeh|هستی Hasti|هنگامه Hengameh|هما Homa|حدیث Hadis
حنانه Hannaneh|خدیجه Khadijeh|دنیا Donya|دریا Darya|دلارام Delaram|درسا Dorsa|ژاله Zhaleh|ژیلا Zhila
غزل Ghazal|غزاله Ghazaleh|فرزانه Farzaneh|فرناز Farnaz|فائزه Faezeh|فاطیما Fatima|کیمیا Kimia|کتایون Katayoun
کوثر Kowsar|گلاره Gelareh|گیتی Giti|لادن Ladan|محدثه Mohaddeseh|ملیکا Melika|مبینا Mobina|مائده Maedeh
منیژه Manijeh|مرجان Marjan|نادیا Nadia|ناهید Nahid|نگین Negin|نوشین Noushin|نیکی Niki|وجیهه Vajiheh|ویدا Vida
یگانه Yeganeh|یلدا Yalda|پگاه Pegah|پونه Pouneh|پانته‌آ Pantea|آتنا Atena|آناهیتا Anahita|اکرم Akram|اعظم Azam
"""

MALE = """
محمد Mohammad|علی Ali|حسین Hossein|مهدی Mehdi|رضا Reza|حسن Hassan|امیر Amir|احمد Ahmad|سعید Saeed|مجید Majid
حمید Hamid|مسعود Masoud|محسن Mohsen|محمود Mahmoud|مصطفی Mostafa|مرتضی Morteza|مجتبی Mojtaba|ابوالفضل Abolfazl
عباس Abbas|اکبر Akbar|اصغر Asghar|جواد Javad|صادق Sadegh|جعفر Jafar|هادی Hadi|هاشم Hashem|ابراهیم Ebrahim
اسماعیل Esmaeil|داوود Davoud|یوسف Yousef|یعقوب Yaghoub|یونس Younes|ایوب Ayoub|میثم Meysam|قاسم Ghasem|کاظم Kazem
ناصر Naser|منصور Mansour|جلال Jalal|جمال Jamal|کمال Kamal|بهرام Bahram|بهروز Behrouz|بهنام Behnam|بهزاد Behzad
بابک Babak|آرش Arash|آرمین Armin|آرمان Arman|آرین Aryan|آریا Arya|کامران Kamran|کامیار Kamyar|کیوان Keyvan
کیان Kian|کیارش Kiarash|کوروش Kourosh|داریوش Dariush|سیاوش Siavash|سیامک Siamak|سهراب Sohrab|سهیل Soheil
سینا Sina|سپهر Sepehr|سروش Soroush|شهاب Shahab|شاهین Shahin|شهرام Shahram|شهریار Shahriar|شایان Shayan
شروین Shervin|فرهاد Farhad|فرزاد Farzad|فرید Farid|فرشید Farshid|فرامرز Faramarz|فریدون Fereydoun|پیمان Peyman
پویا Pouya|پوریا Pouria|پارسا Parsa|پدرام Pedram|پرهام Parham|پژمان Pejman|پرویز Parviz|هومن Houman|هوشنگ Houshang
همایون Homayoun|وحید Vahid|ولی Vali|امید Omid|ایمان Iman|احسان Ehsan|اشکان Ashkan|افشین Afshin|اردلان Ardalan
اردشیر Ardeshir|میلاد Milad|مانی Mani|ماهان Mahan|مازیار Maziar|مهران Mehran|مهرداد Mehrdad|مهیار Mahyar
نیما Nima|نوید Navid|نادر Nader|نصرت Nosrat|یاشار Yashar|یاسر Yaser|یاسین Yasin|تیرداد Tirdad|جهانگیر Jahangir
جمشید Jamshid|خسرو Khosrow|دانیال Danial|رامین Ramin|روزبه Rouzbeh|رحیم Rahim|رسول Rasoul|عرفان Erfan
غلامرضا Gholamreza|محمدرضا Mohammadreza|امیرحسین Amirhossein|امیرعلی Amirali|محمدحسین Mohammadhossein
علیرضا Alireza|حمیدرضا Hamidreza
"""

LAST = """
محمدی Mohammadi|حسینی Hosseini|احمدی Ahmadi|کریمی Karimi|رضایی Rezaei|موسوی Mousavi|جعفری Jafari|رحیمی Rahimi
قاسمی Ghasemi|حیدری Heydari|مرادی Moradi|ابراهیمی Ebrahimi|علیزاده Alizadeh|صادقی Sadeghi|هاشمی Hashemi
یوسفی Yousefi|نوری Nouri|اکبری Akbari|کاظمی Kazemi|زارعی Zarei|سلیمانی Soleimani|محمودی Mahmoudi|باقری Bagheri
امینی Amini|نجفی Najafi|شریفی Sharifi|عباسی Abbasi|اسدی Asadi|جلالی Jalali|رستمی Rostami|یزدانی Yazdani
طاهری Taheri|میرزایی Mirzaei|نظری Nazari|صالحی Salehi|عزیزی Azizi|فتحی Fathi|مهدوی Mahdavi|کمالی Kamali
سعیدی Saeedi|حسن‌زاده Hassanzadeh|محمدزاده Mohammadzadeh|قربانی Ghorbani|اسماعیلی Esmaeili|خلیلی Khalili
رمضانی Ramezani|شفیعی Shafiei|توکلی Tavakoli|ملکی Maleki|صفری Safari|بهرامی Bahrami|داوودی Davoudi|امیری Amiri
تقوی Taghavi|نیک‌نام Niknam|فرهادی Farhadi|شجاعی Shojaei|غلامی Gholami|عابدی Abedi|مظفری Mozaffari|سرلک Sarlak
پناهی Panahi|رنجبر Ranjbar|دهقان Dehghan|کشاورز Keshavarz|نعمتی Nemati|حبیبی Habibi|ولی‌زاده Valizadeh
قنبری Ghanbari|یعقوبی Yaghoubi|کرمی Karami|فلاح Fallah|عسگری Asgari|پورمحمدی Pourmohammadi|شیرازی Shirazi
اصفهانی Esfahani|تهرانی Tehrani|تبریزی Tabrizi|کرمانی Kermani|خراسانی Khorasani|همدانی Hamedani|قزوینی Ghazvini
کاشانی Kashani|یزدی Yazdi|گیلانی Gilani|مازندرانی Mazandarani|لاریجانی Larijani|طباطبایی Tabatabaei
علوی Alavi|رضوی Razavi|مصطفوی Mostafavi|مرتضوی Mortazavi|کاظم‌زاده Kazemzadeh|نصیری Nasiri|بیات Bayat
افشار Afshar|قاجار Ghajar|زند Zand|بختیاری Bakhtiari|لطفی Lotfi|حاتمی Hatami|فرجی Faraji|فیضی Feyzi|گودرزی Goudarzi
سهرابی Sohrabi|شاه‌حسینی Shahhosseini|شکوهی Shokouhi|ستاری Sattari|سبحانی Sobhani|سالاری Salari|زمانی Zamani
رهبری Rahbari|رضوانی Rezvani|دانشور Daneshvar|خسروی Khosravi|خادمی Khademi|حقیقی Haghighi|جوادی Javadi
جهانی Jahani|ثابتی Sabeti|تاجیک Tajik|پارسا Parsa|پهلوان Pahlavan|بنی‌هاشم Banihashem|باقرزاده Bagherzadeh
ایزدی Izadi|ایرانی Irani|انصاری Ansari|امامی Emami|افضلی Afzali|اعتمادی Etemadi|اشرفی Ashrafi|ارجمند Arjmand
آقایی Aghaei|آذری Azari|آرامش Aramesh|وکیلی Vakili|واعظی Vaezi|هدایتی Hedayati|همتی Hemmati|ناظری Nazeri
نادری Naderi|منصوری Mansouri|ملایی Mollaei|مقدم Moghaddam|معینی Moeini|مشایخی Mashayekhi|مددی Madadi|محبی Mohebbi
ماهری Maheri|لک‌زایی Lakzaei|گنجی Ganji|گلستانی Golestani|گل‌محمدی Golmohammadi|کیانی Kiani|کوهی Kouhi
کریم‌زاده Karimzadeh|کرباسی Karbasi|قدیمی Ghadimi|قائمی Ghaemi|فروتن Foroutan|فرهمند Farahmand|فراهانی Farahani
فاضلی Fazeli|غفاری Ghaffari|عظیمی Azimi|عطایی Ataei|عرب Arab|ظریف Zarif|طالبی Talebi|ضیایی Ziaei|صمدی Samadi
صبوری Sabouri|شهبازی Shahbazi|شمس Shams|شعبانی Shabani|شاکری Shakeri|سیفی Seyfi|سمیعی Samiei|سلطانی Soltani
زاهدی Zahedi|روحانی Rouhani|رضازاده Rezazadeh|رحمانی Rahmani|ربیعی Rabiei|راد Rad|ذاکری Zakeri|درویش Darvish
دلاوری Delavari|خوش‌نویس Khoshnevis|خاکی Khaki|حکیمی Hakimi|حسنی Hassani|چگینی Chegini|جمشیدی Jamshidi
تهامی Tahami|پیروز Pirouz|پورحسن Pourhassan|بهزادی Behzadi|بزرگی Bozorgi|بابایی Babaei|ایمانی Imani|الهی Elahi
اقبالی Eghbali|اسلامی Eslami|احدی Ahadi|آشتیانی Ashtiani|آزاد Azad|وحیدی Vahidi|نیکبخت Nikbakht|مهرابی Mehrabi
مرعشی Marashi|لشکری Lashkari|کاویانی Kaviani|فخری Fakhri|عباس‌پور Abbaspour|شاملو Shamlou|سپهری Sepehri
رشیدی Rashidi|دیبا Diba|خدادادی Khodadadi|حجازی Hejazi|جهانگیری Jahangiri|پاکدل Pakdel|بهشتی Beheshti
"""
