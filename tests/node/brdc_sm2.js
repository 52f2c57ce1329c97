// SM2 of brdc-sm-crypto, the library of BIF's JavaScript SDK: one JSON object a line in, one out. "load" keeps what
// "verify" takes, and "count" answers how many of these are valid.
const { sm2 } = require(process.argv[2])
const lines = require('readline').createInterface({ input: process.stdin })

const kept = []

const answer = (asked) => {
  if (asked.op === 'load') return kept.push(asked) > 0
  if (asked.op === 'count') return kept.filter((one) => answer({ ...one, op: 'verify' }) === true).length
  const message = Array.from(Buffer.from(asked.message, 'hex'))
  const options = { hash: true }
  try {
    if (asked.op === 'sign') return sm2.doSignature(message, asked.private, { ...options, publicKey: asked.key })
    return sm2.doVerifySignature(message, asked.signature, asked.key, options)
  } catch (error) {
    return { error: String(error) }
  }
}

lines.on('line', (line) => console.log(JSON.stringify(answer(JSON.parse(line)))))
