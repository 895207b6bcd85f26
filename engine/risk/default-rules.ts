/** The rule set that ships with the switch: text, so that it can be printed, changed and checked like any other. */

export const DEFAULT_RULES = `# The rule set that ships with Sluice: a start for a wallet in China and South-East Asia.
#
# Print it with \`sluice risk default\`, change it, check it with \`sluice risk check FILE\`, and put it into force
# with \`sluice risk activate FILE\`. A currency that a rule does not name is not touched by it.
#
# Where a threshold must not hinder ordinary traffic between few accounts (a shop that pays out, a load test), the
# rule is for channels through which people pay by hand.
version: default-1
description: Limits by tier, velocity, blocks and travel for wallet, card and barcode payments.
utcOffset: "+08:00"

features:
  walletPayments10m: { measure: count, by: payer, window: 10m }
  devicePayers24h: { measure: distinct, by: device, of: payer, upTo: 8, window: 24h }

rules:
  # What no override helps against.
  - id: blocked-payer
    kind: list
    list: blocked-payers
    of: payer
    outcome: decline
    overridable: false
    reason: { en: This account may not pay., zh: 该账户已被禁止付款。 }
  - id: blocked-payee
    kind: list
    list: blocked-payees
    of: payee
    outcome: decline
    overridable: false
    reason: { en: This recipient may not be paid., zh: 该收款方已被禁止收款。 }
  - id: blocked-device
    kind: list
    list: blocked-devices
    of: device
    outcome: decline
    overridable: false
    reason: { en: This device may not be used to pay., zh: 该设备已被禁止支付。 }
  - id: blocked-address
    kind: list
    list: blocked-addresses
    of: ip
    outcome: decline
    reason: { en: Payments from this network are not accepted., zh: 不接受来自该网络的支付。 }
  - id: blocked-card
    kind: list
    list: blocked-cards
    of: card
    outcome: decline
    overridable: false
    reason: { en: This card may not be used., zh: 该卡已被禁止使用。 }
  - id: gambling
    kind: mcc
    block: ["7800-7802", "7995"]
    outcome: decline
    overridable: false
    reason: { en: Gambling cannot be paid for., zh: 不支持博彩类交易。 }
  - id: sanctioned-country
    kind: country
    block: [KP, IR, SY]
    outcome: decline
    overridable: false
    reason: { en: Payments in this country are not possible., zh: 不支持在该国家或地区支付。 }

  # Who is known, and has not changed lately.
  - id: trusted-payer
    kind: list
    list: trusted-payers
    of: payer
    outcome: approve
    reason: { en: The payer is trusted., zh: 付款方为可信账户。 }
  - id: rebound-device
    kind: cool_down
    after: rebound
    for: 24h
    above: { CNY: "1000.00", USD: "150.00", EUR: "150.00", SGD: "200.00", THB: "5000.00", JPY: "20000" }
    outcome: step_up
    reason: { en: The device was changed within the last day., zh: 您在24小时内更换过设备。 }
  - id: failed-checks
    kind: failed_authentication
    by: payer
    window: 15m
    above: 4
    outcome: decline
    reason: { en: Too many failed checks. Please try again later., zh: 身份验证失败次数过多，请稍后再试。 }

  # Limits by how well the payer is known (tier; 0 = not stated: no limit), and of payments by barcode.
  - id: payment-limit
    kind: limit
    per: payment
    tiers:
      1: { CNY: "1000.00", USD: "150.00", EUR: "150.00", SGD: "200.00", THB: "5000.00", JPY: "20000" }
      2: { CNY: "10000.00", USD: "1500.00", EUR: "1500.00", SGD: "2000.00", THB: "50000.00", JPY: "200000" }
      3: { CNY: "50000.00", USD: "7000.00", EUR: "7000.00", SGD: "10000.00", THB: "250000.00", JPY: "1000000" }
    outcome: decline
    overridable: false
    reason: { en: This is more than one payment of yours may be., zh: 超过单笔支付限额。 }
  - id: daily-limit
    kind: limit
    per: day
    tiers:
      1: { CNY: "1000.00", USD: "150.00", EUR: "150.00", SGD: "200.00", THB: "5000.00", JPY: "20000" }
      2: { CNY: "20000.00", USD: "3000.00", EUR: "3000.00", SGD: "4000.00", THB: "100000.00", JPY: "400000" }
      3: { CNY: "200000.00", USD: "30000.00", EUR: "30000.00", SGD: "40000.00", THB: "1000000.00", JPY: "4000000" }
    outcome: decline
    overridable: false
    reason: { en: This is more than you may pay in one day., zh: 超过每日支付限额。 }
  - id: yearly-limit
    kind: limit
    per: year
    tiers:
      1: { CNY: "1000.00", USD: "1000.00", EUR: "1000.00", SGD: "1000.00", THB: "30000.00", JPY: "100000" }
      2: { CNY: "100000.00", USD: "15000.00", EUR: "15000.00", SGD: "20000.00", THB: "500000.00", JPY: "2000000" }
      3: { CNY: "200000000.00", USD: "30000000.00", EUR: "30000000.00", SGD: "40000000.00", THB: "1000000000.00", JPY: "4000000000" }
    outcome: decline
    overridable: false
    reason: { en: This is more than you may pay in one year., zh: 超过年度支付限额。 }
  - id: barcode-limit
    kind: limit
    per: day
    codeTiers: { B: { CNY: "5000.00" }, C: { CNY: "1000.00" }, D: { CNY: "500.00" } }
    outcome: decline
    overridable: false
    reason: { en: This is more than you may pay by barcode in one day., zh: 超过条码支付每日限额。 }
  - id: night-limit
    kind: night
    from: "23:00"
    to: "06:00"
    above: { CNY: "20000.00", USD: "3000.00", EUR: "3000.00", SGD: "4000.00", THB: "100000.00", JPY: "400000" }
    outcome: step_up
    reason: { en: Large payments at night must be confirmed., zh: 夜间大额支付需要确认。 }

  # What has not been seen before.
  - id: new-payee
    kind: new_payee
    within: 180d
    above: { CNY: "5000.00", USD: "700.00", EUR: "700.00", SGD: "1000.00", THB: "25000.00", JPY: "100000" }
    outcome: step_up
    reason: { en: You have not paid this recipient before., zh: 您未曾向该收款方付款。 }
  - id: new-device
    kind: new_device
    within: 180d
    above: { CNY: "2000.00", USD: "300.00", EUR: "300.00", SGD: "400.00", THB: "10000.00", JPY: "40000" }
    outcome: step_up
    reason: { en: You have not paid from this device before., zh: 您首次在该设备上付款。 }
  - id: dormant-account
    kind: dormant
    after: 180d
    above: { CNY: "2000.00", USD: "300.00", EUR: "300.00", SGD: "400.00", THB: "10000.00", JPY: "40000" }
    outcome: step_up
    reason: { en: You have not paid for a long time., zh: 该账户长期未使用。 }
  - id: impossible-travel
    kind: travel
    aboveKmh: 900
    outcome: step_up
    reason: { en: Your last payment was too far away for the time since., zh: 与上次支付地点的距离异常。 }

  # How much, how often, between how many.
  - id: wallet-bursts
    kind: velocity
    measure: count
    by: payer
    window: 1m
    above: 20
    channels: [wallet, qr, social]
    outcome: decline
    reason: { en: Too many payments in one minute. Please try again later., zh: 支付过于频繁，请稍后再试。 }
  - id: card-bursts
    kind: velocity
    measure: count
    by: card
    window: 1h
    above: 30
    outcome: decline
    reason: { en: This card was used too often within the hour., zh: 该卡一小时内使用次数过多。 }
  - id: declined-often
    kind: velocity
    measure: count
    by: payer
    counts: declines
    window: 1h
    above: 10
    channels: [wallet, qr, social, ecommerce]
    outcome: step_up
    reason: { en: Many of your payments were declined lately., zh: 您近期有多笔支付被拒绝。 }
  - id: structuring
    kind: structuring
    below: { CNY: "50000.00", USD: "10000.00", EUR: "10000.00", SGD: "20000.00" }
    percent: 10
    window: 24h
    atLeast: 3
    outcome: review
    reason: { en: Several payments are just below the amount that must be reported., zh: 多笔支付金额接近大额报告标准。 }
  - id: fan-out
    kind: fan_out
    window: 1h
    above: 20
    channels: [wallet, social]
    outcome: hold
    reason: { en: You have paid very many recipients within the hour., zh: 一小时内付款对象过多。 }
  - id: large-remittance
    kind: velocity
    measure: sum
    by: payer
    window: 24h
    above: { CNY: "3000.00", USD: "400.00", EUR: "400.00", SGD: "600.00", THB: "15000.00", JPY: "60000" }
    channels: [crossBorder]
    outcome: hold
    reason: { en: Larger payments to other countries are looked at first., zh: 较大额跨境付款需先核查。 }
  - id: fan-in
    kind: fan_in
    window: 10m
    above: 50
    channels: [social]
    outcome: review
    reason: { en: Very many people have paid this recipient within minutes., zh: 该收款方短时间内收到大量付款。 }
  - id: shared-device
    kind: cel
    when: devicePayers24h > 5 && amount > 0
    outcome: review
    reason: { en: Many people pay from this device., zh: 同一设备付款账户过多。 }
  - id: night-cash
    kind: cel
    channels: [cash]
    when: (hour >= 23 || hour < 5) && walletPayments10m > 3
    outcome: hold
    mode: shadow
    reason: { en: Cash after several payments at night., zh: 夜间多笔支付后取现。 }
`;
