// Signs with the SDKs and delivers: a line `sdk, scheme, case, status, id sent, id answered` each.
import { readFileSync } from 'node:fs'
import { signWebhookPayload } from '@notionhq/client'
import { sign as octokit } from '@octokit/webhooks-methods'
import { WorkOS } from '@workos-inc/node'
import { Webhook as Standard } from 'standardwebhooks'
import Stripe from 'stripe'
import { Webhook as Svix } from 'svix'
import twilio from 'twilio'

const { base, schemes } = JSON.parse(readFileSync(0))
const workos = new WorkOS('sk_test_1', { clientId: 'client_1' })
const date = (seconds) => new Date(seconds * 1000)
const form = (body) => {
  const params = {}
  for (const [key, value] of new URLSearchParams(body)) {
    params[key] = key in params ? [params[key], value].flat() : value
  }
  return params
}

// Each takes a delivery and gives its headers, or nothing where the SDK cannot sign it.
const signers = [
  ['stripe', 'stripe.v1', ({ secret, body, time }) => ({
    'Stripe-Signature': Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: time }),
  })],
  ['standardwebhooks', 'standard_webhooks.v1', ({ secret, body, time, id }) => ({
    'webhook-id': id,
    'webhook-timestamp': String(time),
    'webhook-signature': new Standard(secret).sign(id, date(time), body),
  })],
  ['svix', 'svix.v1', ({ secret, body, time, id }) => ({
    'svix-id': id,
    'svix-timestamp': String(time),
    'svix-signature': new Svix(secret).sign(id, date(time), body),
  })],
  ['@octokit/webhooks-methods', 'github.sha256', async ({ secret, body, id }) => ({
    'X-GitHub-Delivery': id,
    'X-GitHub-Event': 'push',
    'X-Hub-Signature-256': await octokit(secret, body),
  })],
  ['twilio', 'twilio.form', ({ secret, body, url, id }) => ({
    'I-Twilio-Idempotency-Token': id,
    'X-Twilio-Signature': twilio.getExpectedTwilioSignature(secret, url, form(body)),
  })],
  ['twilio', 'twilio.body_sha256', (delivery) => {
    const { secret, body, url, id } = delivery
    delivery.query = `?bodySHA256=${twilio.getExpectedBodyHash(body)}`
    return {
      'I-Twilio-Idempotency-Token': id,
      'X-Twilio-Signature': twilio.getExpectedTwilioSignature(secret, url + delivery.query, null),
    }
  }],
  ['@workos-inc/node', 'workos.v1', async ({ secret, body, time }) => {
    const payload = JSON.parse(body)
    // It signs the payload as it writes it, not as it came.
    if (JSON.stringify(payload) !== body) return undefined
    const mac = await workos.webhooks.computeSignature(`${time}000`, payload, secret)
    return { 'WorkOS-Signature': `t=${time}000, v1=${mac}` }
  }],
  ['@notionhq/client', 'notion.sha256', async ({ secret, body }) => ({
    'X-Notion-Signature': await signWebhookPayload({ body, verificationToken: secret }),
  })],
]

async function deliver(scheme, delivery, headers) {
  const response = await fetch(`${base}/${scheme}${delivery.query ?? ''}`, {
    method: 'POST',
    headers: { 'Content-Type': schemes[scheme].media, ...headers },
    body: delivery.sent ?? delivery.body,
    signal: AbortSignal.timeout(20_000),
  })
  await response.arrayBuffer()
  return [response.status, response.headers.get('x-delivery-id') ?? '']
}

// Another first digit.
function spoil(headers, name, prefix) {
  const key = Object.keys(headers).find((key) => key.toLowerCase() === name)
  const text = headers[key]
  const at = prefix ? text.lastIndexOf(prefix) + prefix.length : 0
  const digit = text[at] === '0' ? '1' : '0'
  return { ...headers, [key]: text.slice(0, at) + digit + text.slice(at + 1) }
}

let count = 0
for (const [sdk, scheme, sign] of signers) {
  const { secret, other, url, payloads, signature, prefix, tolerance } = schemes[scheme]
  const now = () => Math.floor(Date.now() / 1000)
  const prepare = (payload, time) => {
    const id = `node_${process.pid}_${++count}`
    const body = payload.replaceAll('{{id}}', id).replaceAll('{{ms}}', `${time}000`)
    return { secret, url, time, id, body }
  }
  const tell = async (name, delivery, headers) => {
    const [status, id] = await deliver(scheme, delivery, headers)
    console.log([`${sdk} (npm)`, scheme, name, status, delivery.id, id].join('\t'))
  }
  for (const [name, payload] of payloads) {
    const delivery = prepare(payload, now())
    const headers = await sign(delivery)
    if (!headers) continue
    await tell(`signed: ${name}`, delivery, headers)
    const changed = prepare(payload, now())
    const signed = await sign(changed)
    changed.sent = changed.body.replaceAll('untouched', 'untouchee')
    await tell(`body changed: ${name}`, changed, signed)
  }
  const plain = payloads[0][1]
  const forged = prepare(plain, now())
  await tell('signature changed', forged, spoil(await sign(forged), signature, prefix))
  const stranger = { ...prepare(plain, now()), secret: other }
  await tell('another secret', stranger, await sign(stranger))
  if (tolerance) {
    const late = prepare(plain, now() - tolerance - 60)
    await tell('stale', late, await sign(late))
  }
}
