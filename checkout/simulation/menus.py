"""What the simulated cafés sell, and what people write about their guests."""

from dataclasses import dataclass

MORNING, AFTERNOON, EVENING = 0, 1, 2
DAYPARTS = (MORNING, AFTERNOON, EVENING)


@dataclass(frozen=True, slots=True)
class Dish:
    """A menu item; ``price`` in the base unit, ``weights`` how often it is ordered by part of the day."""

    name: str
    category: str
    price: int
    weights: tuple[int, int, int]


def _menu(text: str, unit: int) -> tuple[Dish, ...]:
    """Read lines of ``name | price / unit | morning afternoon evening`` under ``# category`` headings."""
    dishes, category = [], ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            category = line[1:].strip()
            continue
        name, price, weights = (part.strip() for part in line.split("|"))
        morning, afternoon, evening = map(int, weights.split())
        dishes.append(Dish(name, category, int(price) * unit, (morning, afternoon, evening)))
    return tuple(dishes)


# Prices in thousands of rials.
MENU_FA = _menu(
    """
    # قهوه
    اسپرسو | 85 | 9 7 4
    آمریکانو | 95 | 9 6 4
    کاپوچینو | 120 | 10 9 7
    لاته | 125 | 12 11 8
    موکا | 140 | 4 6 6
    کارامل ماکیاتو | 145 | 3 6 6
    قهوه ترک | 90 | 6 5 6
    قهوه دمی وی‌شصت | 115 | 3 4 3
    # نوشیدنی گرم
    چای سیاه | 55 | 9 6 8
    چای ماسالا | 95 | 3 5 6
    دمنوش به‌لیمو | 90 | 1 4 5
    دمنوش آویشن و عسل | 95 | 2 3 4
    هات چاکلت | 130 | 2 4 6
    # نوشیدنی سرد
    آیس لاته | 135 | 4 10 7
    آیس آمریکانو | 105 | 4 8 5
    کلد برو | 130 | 2 6 4
    لیموناد نعناع | 110 | 1 8 7
    موهیتو | 120 | 0 7 8
    شیک شکلات | 165 | 0 6 7
    شیک لوتوس | 185 | 0 4 6
    آب‌پرتقال طبیعی | 125 | 5 4 2
    شربت بهارنارنج | 95 | 1 4 3
    # صبحانه
    املت ایرانی | 145 | 12 2 0
    نیمرو با نان تازه | 120 | 10 1 0
    صبحانه ایرانی کامل | 285 | 9 0 0
    پنکیک با شیره انگور | 195 | 8 4 1
    کروسان کره‌ای | 110 | 9 5 2
    # کیک و شیرینی
    کیک شکلاتی | 155 | 4 10 9
    چیزکیک | 125 | 2 9 9
    کیک هویج | 135 | 3 7 5
    تیرامیسو | 165 | 1 6 8
    کوکی گردویی | 75 | 4 6 4
    باقلوا و چای | 120 | 1 4 4
    # غذا
    ساندویچ مرغ گریل | 245 | 1 7 10
    پنینی ژامبون و پنیر | 230 | 2 6 8
    پاستا آلفردو | 320 | 0 5 11
    سالاد سزار | 275 | 0 6 8
    پیتزا مارگاریتا | 310 | 0 4 11
    برگر مخصوص | 340 | 0 5 12
    سیب‌زمینی با سس قارچ | 190 | 0 6 9
    """,
    1000,
)
# Prices in rupees.
MENU_IN = _menu(
    """
    # Filter coffee
    Filter Coffee | 40 | 20 14 14
    Strong Filter Coffee | 45 | 9 6 6
    Jaggery Filter Coffee | 50 | 5 4 4
    Cold Filter Coffee | 90 | 2 8 6
    Coffee Vanilla Shake | 140 | 0 5 6
    # Tea and warm drinks
    Masala Chai | 30 | 14 11 11
    Ginger Tea | 30 | 7 5 5
    Sukku Coffee | 45 | 3 2 3
    Badam Milk | 70 | 3 3 5
    Hot Boost | 60 | 2 1 2
    # Cold drinks
    Fresh Lime Soda | 60 | 1 7 6
    Buttermilk | 35 | 2 8 4
    Sweet Lassi | 80 | 1 6 5
    Mango Lassi | 95 | 0 5 5
    Nannari Sherbet | 55 | 0 4 3
    Mineral Water | 20 | 4 6 6
    # Idli and vada
    Idli (2 pcs) | 50 | 16 4 6
    Ghee Podi Idli | 85 | 9 4 7
    Medu Vada (2 pcs) | 65 | 12 5 6
    Idli Vada Combo | 75 | 12 3 4
    Sambar Vada | 70 | 7 4 5
    Curd Vada | 75 | 3 5 4
    # Dosa
    Plain Dosa | 80 | 8 5 8
    Masala Dosa | 110 | 11 9 14
    Mysore Masala Dosa | 130 | 5 6 10
    Ghee Roast Dosa | 135 | 4 5 9
    Rava Dosa | 115 | 4 4 7
    Onion Uttapam | 115 | 4 4 7
    Pesarattu | 120 | 4 2 3
    Set Dosa | 95 | 5 2 3
    # Plates
    Upma | 60 | 9 1 1
    Ven Pongal | 80 | 10 1 1
    Poori Bhaji | 95 | 9 3 3
    South Indian Thali | 190 | 0 14 6
    Curd Rice | 90 | 0 8 4
    Lemon Rice | 95 | 0 6 3
    # Sweets and snacks
    Rava Kesari | 65 | 3 4 5
    Gulab Jamun (2 pcs) | 60 | 0 4 6
    Banana Chips | 50 | 1 4 4
    Onion Pakoda | 80 | 0 7 8
    Madras Mixture | 45 | 1 4 4
    """,
    1,
)

TAGS_FA = ("شرکتی", "گیاه‌خوار", "دانشجو", "همسایه", "کنار پنجره", "اینفلوئنسر", "خانواده", "اهل کتاب")
TAGS_IN = (
    "Corporate",
    "Vegetarian",
    "Student",
    "Neighbour",
    "Window seat",
    "Family",
    "Railway commuter",
    "Jain",
)
NOTES_FA = (
    "میز کنار پنجره را می‌پسندد",
    "قهوه را بدون شکر می‌خورد",
    "معمولاً با دوستانش می‌آید",
    "شیر گیاهی می‌خواهد",
    "برای کار با لپ‌تاپ می‌نشیند؛ نزدیک پریز باشد",
    "عصرها با فرزندش می‌آید",
    "اسپرسو را دوبل می‌خواهد",
    "ترجیح می‌دهد صورت‌حساب جدا باشد",
    "تولدش را همین‌جا می‌گیرد",
    "چای را کم‌رنگ می‌خورد",
)
NOTES_IN = (
    "Prefers the table by the window",
    "Coffee without sugar",
    "Comes with colleagues on Fridays",
    "No onion, no garlic",
    "Works on a laptop; seat near a socket",
    "Comes with two small children",
    "Extra strong decoction",
    "Always asks for separate bills",
    "Likes the sambar extra hot",
    "Takes parcels for the office",
)
ALLERGIES_FA = ("آجیل", "لبنیات", "گلوتن", "تخم‌مرغ")
ALLERGIES_IN = ("nuts", "milk", "gluten", "sesame")
