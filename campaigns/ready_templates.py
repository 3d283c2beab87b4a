"""The texts every café begins with, by language: (category, name, text).

Written into the café once, in its own language; from then on they are its own. Hence two texts here rather than one in
the translation files.
"""

READY_TEMPLATES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "fa": (
        (
            "تولد",
            "تبریک تولد با کد تخفیف",
            "{{first_name|مهمان}} عزیز، تولدت مبارک! با کد {{code}} مهمان {{cafe_name}} باش.",
        ),
        (
            "بازگشت",
            "دلمان برایتان تنگ شده",
            "{{name|مهمان}} عزیز، مدتی است شما را در {{cafe_name}} ندیده‌ایم. با کد {{code}} منتظرتان هستیم.",
        ),
        (
            "باشگاه مشتریان",
            "یادآوری امتیاز",
            "{{name|مهمان}} عزیز، {{points}} امتیاز در باشگاه {{cafe_name}} دارید. جایزه‌ها: {{link}}",
        ),
        (
            "معرفی",
            "نوشیدنی تازه",
            "{{name|مهمان}} عزیز، نوشیدنی تازه‌ی {{cafe_name}} رسید. منو را این‌جا ببینید: {{link}}",
        ),
        (
            "مناسبت",
            "تبریک نوروز",
            "{{name|مهمان}} عزیز، نوروز مبارک! سالی خوش برایتان آرزو داریم. {{cafe_name}}",
        ),
        (
            "مناسبت",
            "شب یلدا",
            "{{name|مهمان}} عزیز، یلدا مبارک! امشب با انار و هندوانه در {{cafe_name}} منتظر شما هستیم.",
        ),
    ),
    "en": (
        (
            "birthday",
            "Birthday wishes with a code",
            "Happy birthday, {{first_name|dear guest}}! Be our guest at {{cafe_name}} with code {{code}}.",
        ),
        (
            "win back",
            "We miss you",
            "Dear {{name|guest}}, we have not seen you at {{cafe_name}} for a while. Come back with code {{code}}.",
        ),
        (
            "club",
            "Points reminder",
            "Dear {{name|guest}}, you have {{points}} points at {{cafe_name}}. See the rewards: {{link}}",
        ),
        (
            "news",
            "Something new",
            "Dear {{name|guest}}, there is something new at {{cafe_name}}. See the menu: {{link}}",
        ),
        (
            "occasion",
            "Happy new year",
            "Dear {{name|guest}}, happy new year! All the best from {{cafe_name}}.",
        ),
    ),
}
