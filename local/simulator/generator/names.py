"""People's names in the scripts that a world-wide company meets, with what each script needs beside them.

A culture gives names in its own script with the Latin spelling that user names are made of, and where its people live.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Culture:
    """Names of one script: pairs of how they are written and how they are spelled in user names."""

    weight: int
    country: str
    usage: str
    language: str
    city: str
    state: str
    postal: str
    street: str
    phone: str
    given: tuple[tuple[str, str], ...]
    family: tuple[tuple[str, str], ...]
    family_first: bool = False


def _names(text: str) -> tuple[tuple[str, str], ...]:
    """Names parted by blanks; `written=spelled` where the two differ."""
    pairs = (each.partition("=") for each in text.split())
    return tuple((written.replace("_", " "), (spelled or written).lower()) for written, _, spelled in pairs)


CULTURES = (
    Culture(
        30, "United States", "US", "en-US", "Redmond", "WA", "98052", "Contoso Way", "+1 425 555",
        _names("Adele Alex Grady Isaiah Lee Megan Nestor Patti Pradeep Lynne Johanna Miriam Henrietta Diego Joni Ben "
               "Christie Debra Emily Allan Amber Bianca Cameron Irvin Mary-Jo=maryjo"),
        _names("Vance Wilber Archie Langer Gu Bowen Wilke Cross Robbins Lorenz Graham Mueller Siciliani Sherman "
               "Cline Berger Braun Deyoung O'Brien=obrien O'Neil=oneil D'Angelo=dangelo Smith Jones Walters Isaacs"),
    ),
    Culture(
        14, "Germany", "DE", "de-DE", "München", "Bayern", "80331", "Marienplatz", "+49 89 5550",
        _names("Jürgen=juergen Göran=goeran Anneliese Björn=bjoern Käthe=kaethe Lukas Zoë=zoe Ulf Heike Jörg=joerg"),
        _names("Müller=mueller Groß=gross Weiß=weiss Schröder=schroeder Krüger=krueger Özdemir=oezdemir "
               "von_der_Heide=vonderheide Köhler=koehler Schäfer=schaefer Lang"),
    ),
    Culture(
        9, "France", "FR", "fr-FR", "Paris", "Île-de-France", "75001", "rue de l'Arbre-Sec", "+33 1 55 50",
        _names("Chloé=chloe Élodie=elodie François=francois Noémie=noemie Jean-Luc=jeanluc Anaïs=anais Zoé=zoe "
               "Gaëlle=gaelle Théo=theo"),
        _names("Lefèvre=lefevre D'Aubigné=daubigne Béranger=beranger L'Hôpital=lhopital Garçon=garcon "
               "Côté=cote Dupont Noël=noel"),
    ),
    Culture(
        8, "Spain", "ES", "es-ES", "Málaga", "Andalucía", "29001", "calle Larios", "+34 952 555",
        _names("José=jose Íñigo=inigo María=maria Begoña=begona Ramón=ramon Sofía=sofia Andrés=andres"),
        _names("García=garcia Núñez=nunez Peña=pena Ibáñez=ibanez Ortuño=ortuno López_Martínez=lopezmartinez"),
    ),
    Culture(
        6, "Poland", "PL", "pl-PL", "Kraków", "małopolskie", "31-001", "ul. Grodzka", "+48 12 555",
        _names("Łukasz=lukasz Małgorzata=malgorzata Zbigniew Agnieszka Bożena=bozena Jiří=jiri Dávid=david"),
        _names("Wójcik=wojcik Kowalczyk Świątek=swiatek Brzęczyszczykiewicz=brzeczyszczykiewicz Dvořák=dvorak "
               "Šťastný=stastny Őry=ory"),
    ),
    Culture(
        5, "Türkiye", "TR", "tr-TR", "İstanbul", "İstanbul", "34110", "İstiklal Caddesi", "+90 212 555",
        _names("İbrahim=ibrahim Şule=sule Çağla=cagla Işıl=isil Gökçe=gokce"),
        _names("Yılmaz=yilmaz Şahin=sahin Öztürk=ozturk Çelik=celik"),
    ),
    Culture(
        4, "Viet Nam", "VN", "vi-VN", "Hà Nội", "Hà Nội", "100000", "phố Hàng Bạc", "+84 24 5550",
        _names("Thị_Hương=huong Văn_Đức=duc Quỳnh=quynh Bảo=bao"), _names("Nguyễn=nguyen Trần=tran Đặng=dang"),
        family_first=True,
    ),
    Culture(
        4, "Greece", "GR", "el-GR", "Αθήνα", "Αττική", "10557", "Οδός Ερμού", "+30 210 555",
        _names("Αλέξανδρος=alexandros Ελένη=eleni Γιώργος=giorgos Μαρία=maria"),
        _names("Παπαδόπουλος=papadopoulos Νικολάου=nikolaou Οικονόμου=oikonomou"),
    ),
    Culture(
        5, "Bulgaria", "BG", "bg-BG", "София", "София-град", "1000", "бул. Витоша", "+359 2 555",
        _names("Дмитрий=dmitriy Анна=anna Сергей=sergey Ольга=olga Юлия=yuliya Їжак=yizhak"),
        _names("Иванов=ivanov Петрова=petrova Шевченко=shevchenko Щербакова=shcherbakova"),
    ),
    Culture(
        4, "United Arab Emirates", "AE", "ar-AE", "دبي", "دبي", "00000", "شارع الشيخ زايد", "+971 4 555",
        _names("محمد=mohammed فاطمة=fatima خالد=khaled ليلى=layla"),
               _names("الحداد=alhaddad عبدالله=abdullah النجار=alnajjar"),
    ),
    Culture(
        3, "Israel", "IL", "he-IL", "תל אביב", "תל אביב", "6100000", "שדרות רוטשילד", "+972 3 555",
        _names("יעל=yael דוד=david נועה=noa"), _names("כהן=cohen לוי=levi מזרחי=mizrahi"),
    ),
    Culture(
        5, "China", "CN", "zh-CN", "北京", "北京市", "100000", "中关村大街", "+86 10 5555",
        _names("伟=wei 秀英=xiuying 娜=na 洋=yang"), _names("王=wang 李=li 张=zhang 刘=liu 欧阳=ouyang"),
                                                       family_first=True,
    ),
    Culture(
        5, "Japan", "JP", "ja-JP", "東京", "東京都", "100-0005", "丸の内", "+81 3 5555",
        _names("太郎=taro 花子=hanako 翔=sho さくら=sakura"),
               _names("田中=tanaka 佐藤=sato 高橋=takahashi 渡邊=watanabe"),
        family_first=True,
    ),
    Culture(
        3, "Korea", "KR", "ko-KR", "서울", "서울특별시", "04524", "세종대로", "+82 2 5555",
        _names("민준=minjun 서연=seoyeon 지훈=jihoon"), _names("김=kim 이=lee 박=park 최=choi"), family_first=True,
    ),
    Culture(
        4, "India", "IN", "hi-IN", "मुंबई", "महाराष्ट्र", "400001", "मरीन ड्राइव", "+91 22 5555",
        _names("प्रिया=priya राहुल=rahul अनन्या=ananya"), _names("शर्मा=sharma पटेल=patel सिंह=singh"),
    ),
)  # fmt: skip

EMOJI = ("🚀", "🌍", "👩🏽‍💻", "🎉", "🇺🇳")

DEPARTMENTS = (
    ("Sales", ("Account Executive", "Sales Manager", "Sales Associate")),
    ("Marketing", ("Marketing Manager", "Brand Strategist", "Copywriter")),
    ("Engineering", ("Software Engineer", "Senior Engineer", "Engineering Manager", "Test Engineer")),
    ("IT", ("System Administrator", "Helpdesk Analyst", "Network Engineer", "Identity Architect")),
    ("Finance", ("Accountant", "Controller", "Auditor")),
    ("HR", ("HR Manager", "Recruiter", "Payroll Clerk")),
    ("Legal", ("Counsel", "Paralegal")),
    ("R&D", ("Researcher", "Lab Assistant", "Principal Scientist")),
    ("Operations", ("Operations Manager", "Shift Lead", "Driver", "Warehouse Worker")),
    ("Kundendienst / Después de la venta", ("Service Agent", "Team Lead")),
)

PARTNERS = (
    ("Fabrikam", "fabrikam"), ("Northwind Traders", "northwindtraders"), ("Tailspin Toys", "tailspintoys"),
    ("Woodgrove Bank", "woodgrovebank"), ("Adventure Works", "adventure-works"), ("Litware", "litware"),
    ("Wingtip Toys", "wingtiptoys"), ("Proseware", "proseware"),
)  # fmt: skip
