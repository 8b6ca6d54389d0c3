"""Texts in four languages, and queries nobody means well with."""

JAPANESE = [
    "こんにちは、注文した商品がまだ届きません。",
    "返品したいのですが、どうすればいいですか？",
    "色は赤と青のどちらがありますか",
    "iPhone修理の見積もりをお願いします",
    "ありがとうございます！とても助かりました",
    "ｶﾞｽの請求書をもう一度送ってください",
    "注文番号を教えてください。確認いたします。",
]
THAI = [
    "สวัสดีครับ ผมสั่งซื้อสินค้าไปแล้วแต่ยังไม่ได้รับของ",
    "มีสีแดงไหมคะ อยากได้สีน้ำเงินด้วย",
    "ขอบคุณมากค่ะ ได้รับของแล้ว",
    "ขอคืนเงินได้ไหมครับ สินค้าชำรุด",
]
CHINESE = [
    "請問我的訂單什麼時候會到？",
    "我想要退貨，商品有瑕疵",
    "謝謝您的幫忙，已經收到了",
    "可以改成紅色嗎？尺寸要大一號",
]
ENGLISH = [
    "Hello, my order has not arrived yet.",
    "Could you send the invoice to me@example.com again?",
    "Thank you, the refund is here!",
    "The blue one is out of stock; ordering a red one.",
    "iPhone repair: how much is it?",
]
RARE = ["龍", "特注のガラス棚", "กระจกสั่งทำพิเศษ", "特製玻璃櫃", "stained-glass cabinet"]

HOSTILE = [
    "'", '"', '")--', "1;select pg_sleep(3)", "order=(case when 1=1 then 1 else 0 end)",
    "' OR '1'='1", "a' | 'b", "a:*", "a & !b", "<->", "a <2> b", "\\", "a\\'b", "NEAR(a b, 2)",
    "words:a", "{words}: a", "^a", "a*", "a OR b NOT c", "AND", "-", "- a", "(", "a)(", "\0", "a\0b",
    "\ud800", "a\udfffb", "\ue000", "%", "_", "a%b", "{}", "[1]", "$1", "%s", ":q", "?1",
    "x" * 10_000, "あ" * 10_000, "a " * 10_000, "-a" * 10_000, "'\"" * 5_000, "\U0010ffff",
    "\u0e48", "\u0301", "﷽" * 500, "9" * 500, "-1", "1e9", "٣", "#", "##1",
]  # fmt: skip
