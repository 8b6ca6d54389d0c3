"""The people one meets: the opening cast, and those who may turn up as new customers."""

from dataclasses import dataclass

from linesim import ids
from linesim.state import FRIEND, Customer, Group, Sim


@dataclass(frozen=True)
class Role:
    name: str
    language: str
    first_words: str
    status_message: str = ""


SOMCHAI = Role("Somchai", "th", "สวัสดีครับ สินค้าที่สั่งไปเมื่อวานยังไม่ได้รับเลขพัสดุเลยครับ", "ขับรถอยู่ โทรกลับนะครับ")
YUKI = Role("Yuki", "ja", "こんにちは。予約の日にちを変更したいのですが、来週の火曜日は空いていますか？", "のんびり🍵")
MEI = Role("Mei", "zh-TW", "你好，請問雨天備用的場地還可以改時間嗎？")
ANNA = Role("Anna", "en", "Hi! My parcel says delivered but nothing is here. Can you check?", "out and about")
KENJI = Role("Kenji", "ja", "エレベーターは朝9時から使えます。")
OPENING_CAST = [SOMCHAI, YUKI, MEI, ANNA]
GROUP_NAME = "Office move 引越し"

NEWCOMERS = [
    Role("Nattaya", "th", "ขอสอบถามค่ะ ร้านเปิดวันอาทิตย์ไหมคะ"),
    Role("Haruto", "ja", "注文番号 20417 の領収書を送っていただけますか。"),
    Role("Chih-wei", "zh-TW", "您好，我想問一下退貨流程，商品還沒拆封。"),
    Role("Oliver", "en", "Do you ship to Chiang Mai? I need it before Friday."),
    Role("Ploy", "th", "โอนเงินแล้วนะคะ รบกวนตรวจสอบให้หน่อยค่ะ 🙏"),
    Role("Sakura", "ja", "サイズ交換をお願いしたいです。Mを注文しましたが、少し小さかったです😢"),
    Role("Yi-chun", "zh-TW", "請問週末有營業嗎？想帶小朋友過去看看"),
    Role("Grace", "en", "Hello, the discount code from your newsletter doesn't work for me."),
    Role("Anan", "th", "สินค้าชำรุดครับ กล่องบุบมาเลย ต้องทำยังไงบ้างครับ"),
    Role("Rin", "ja", "はじめまして！駐車場はありますか？"),
    Role("Hao-yu", "zh-TW", "發票可以改成公司抬頭嗎？統編是 24536806"),
    Role("Tom", "en", "Could someone call me back about the warranty? The fan is very loud 😬"),
]


def customer_for(role: Role, *, relation: str) -> Customer:
    user_id = ids.user_id(role.name)
    return Customer(user_id, role.name, role.language, role.status_message, relation)


def assemble(sim: Sim) -> None:
    """Puts the opening cast and their group on stage; nobody has written yet."""
    for role in OPENING_CAST:
        _enter(sim, role, relation=FRIEND)
    stranger = _enter(sim, KENJI, relation="stranger")
    group_id = ids.group_id(GROUP_NAME)
    members = [ids.user_id(SOMCHAI.name), stranger.user_id]
    sim.groups[group_id] = Group(group_id, GROUP_NAME, member_ids=members)
    sim.touch()


def _enter(sim: Sim, role: Role, *, relation: str) -> Customer:
    customer = customer_for(role, relation=relation)
    sim.customers[customer.user_id] = customer
    return customer
