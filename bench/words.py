"""What customers write, in the mix that a help desk in Asia reads: made up, but of real words."""

import random

MIX = {"ja": 40, "th": 25, "zh": 20, "en": 15}
OPENINGS = {
    "ja": ("こんにちは。", "お世話になっております。", "すみません、", "はじめまして。", ""),
    "th": ("สวัสดีค่ะ ", "สวัสดีครับ ", "ขอสอบถามหน่อยค่ะ ", "รบกวนด้วยนะคะ ", ""),
    "zh": ("您好，", "請問，", "不好意思，", "你好！", ""),
    "en": ("Hello, ", "Hi there! ", "Good morning, ", "Excuse me, ", ""),
}
BODIES = {
    "ja": (
        "先週注文した商品がまだ届きません。",
        "サイズを交換したいのですが、方法を教えてください。",
        "支払い方法を銀行振込に変更できますか。",
        "領収書の宛名を会社名にしていただきたいです。",
        "再入荷の予定はありますか。",
        "配送先の住所を間違えて登録してしまいました。",
        "クーポンが使えないと表示されます。",
        "返品したい場合の送料はどちらが負担しますか。",
    ),
    "th": (
        "สั่งซื้อสินค้าไปเมื่อวันจันทร์ ยังไม่ได้รับของเลยค่ะ",
        "อยากเปลี่ยนสีเป็นสีดำได้ไหมคะ",
        "โอนเงินแล้วแต่ระบบยังไม่ขึ้นสถานะชำระเงินครับ",
        "ขอใบกำกับภาษีเต็มรูปแบบด้วยนะครับ",
        "สินค้าชำรุดตอนเปิดกล่อง ต้องทำอย่างไรบ้างคะ",
        "ร้านเปิดกี่โมงถึงกี่โมงคะ วันอาทิตย์เปิดไหม",
    ),
    "zh": (
        "我上週訂的商品到現在還沒有收到。",
        "可以更改收件地址嗎？我下個月要搬家。",
        "發票可以改成公司抬頭嗎？統一編號稍後提供。",
        "這個尺寸什麼時候會補貨？",
        "付款後顯示失敗，但是信用卡已經扣款了。",
        "想請問退貨的流程，謝謝。",
    ),
    "en": (
        "my parcel was marked as delivered but nothing has arrived.",
        "could you change the delivery address of my order?",
        "the discount code is refused at the checkout.",
        "I would like to return one of the two items.",
        "the invoice shows the wrong company name.",
    ),
}
ANSWERS = (
    "ご連絡ありがとうございます。確認いたしますので、少々お待ちください。",
    "ขอบคุณที่ติดต่อเรานะคะ กำลังตรวจสอบให้ค่ะ",
    "感謝您的來訊，我們馬上為您確認。",
    "Thank you for writing. I am looking into it and will be back in a minute.",
)
# In the few cases that a seeded database is asked to have of the seldom kind.
SELDOM = "อยากทราบว่าซ่อมรอยร้าวด้วยวิธีคินสึงิได้ไหมคะ (kintsugi)"
NAMES = (
    "佐藤 美咲",
    "田中 翔太",
    "สมชาย ใจดี",
    "กัญญา ศรีสุข",
    "陳 怡君",
    "林 志明",
    "Emma Tan",
    "Noah Lee",
)


def question(rng: random.Random, number: int) -> str:
    """A customer's message of 20 to 120 characters; two in five name an order."""
    return with_order(rng, phrase(rng), number)


def phrase(rng: random.Random) -> str:
    language = rng.choices(list(MIX), weights=list(MIX.values()))[0]
    body = " ".join(rng.sample(BODIES[language], rng.choice((1, 1, 2, 3))))
    return f"{rng.choice(OPENINGS[language])}{body}"


def with_order(rng: random.Random, said: str, number: int) -> str:
    return f"{said} ORD-{number:07d}" if rng.random() < 0.4 else said


def answer(rng: random.Random) -> str:
    return rng.choice(ANSWERS)
