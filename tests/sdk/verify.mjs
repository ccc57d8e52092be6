// Asks the SDKs about deliveries: a line `sdk, number of the delivery, accept or reject, why` each.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { LinearWebhookClient } from '@linear/sdk/webhooks'
import { verifyWebhookSignature } from '@notionhq/client'
import { verify as octokit } from '@octokit/webhooks-methods'
import { Paddle } from '@paddle/paddle-node-sdk'
import sendgrid from '@sendgrid/eventwebhook'
import '@shopify/shopify-api/adapters/node'
import { LogSeverity, shopifyApi } from '@shopify/shopify-api'
import { WorkOS } from '@workos-inc/node'
import { verifyKey } from 'discord-interactions'
import { Resend } from 'resend'
import { Webhook as Standard } from 'standardwebhooks'
import Stripe from 'stripe'
import { Webhook as Svix } from 'svix'
import twilio from 'twilio'

const require = createRequire(import.meta.url)
const bolt = dirname(require.resolve('@slack/bolt'))
const { verifySlackRequest } = require(join(bolt, 'receivers/verify-request.js'))
const workos = new WorkOS('sk_test_1', { clientId: 'client_1' })
const paddle = new Paddle('pdl_test_1')
const resend = new Resend('re_1')

// The clock of the SDKs.
let seconds = 0
const RealDate = Date
globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length ? args : [seconds * 1000]))
  }
  static now() {
    return seconds * 1000
  }
}

const form = (body) => {
  const params = {}
  for (const [key, value] of new URLSearchParams(body)) {
    params[key] = key in params ? [params[key], value].flat() : value
  }
  return params
}

const shopify = (secret) =>
  shopifyApi({
    apiKey: 'key',
    apiSecretKey: secret,
    apiVersion: '2026-07',
    hostName: 'hooks.example.com',
    isEmbeddedApp: false,
    scopes: [],
    logger: { level: LogSeverity.Error, log: () => {} },
  }).webhooks

async function byShopify({ secret, body, headers }) {
  const rawRequest = { method: 'POST', url: '/', headers, rawHeaders: Object.entries(headers).flat() }
  const verdict = await shopify(secret).validate({ rawBody: body, rawRequest, rawResponse: {} })
  if (!verdict.valid) throw new Error(verdict.reason)
}

function bySvix({ secret, body, headers }) {
  new Svix(secret).verify(body, headers)
}

// Each refuses by an error, or by `false`.
const verifiers = {
  'stripe.v1': [['stripe', ({ secret, body, headers }) =>
    Stripe.webhooks.signature.verifyHeader(Buffer.from(body), headers['stripe-signature'], secret, 300)]],
  'standard_webhooks.v1': [['standardwebhooks', ({ secret, body, headers }) =>
    void new Standard(secret).verify(body, headers, { jsonParse: false })]],
  'svix.v1': [['svix', bySvix]],
  'resend.svix': [['resend', ({ secret, body, headers }) =>
    void resend.webhooks.verify({
      payload: body,
      headers: {
        id: headers['svix-id'],
        timestamp: headers['svix-timestamp'],
        signature: headers['svix-signature'],
      },
      webhookSecret: secret,
    })]],
  'github.sha256': [['@octokit/webhooks-methods', ({ secret, body, headers }) =>
    octokit(secret, body, headers['x-hub-signature-256'])]],
  'slack.v0': [['@slack/bolt', ({ secret, body, headers }) =>
    verifySlackRequest({ signingSecret: secret, body, headers, nowMilliseconds: Date.now() })]],
  'shopify.hmac': [['@shopify/shopify-api', byShopify]],
  'shopify.events': [['@shopify/shopify-api', byShopify]],
  'linear.hmac': [['@linear/sdk', ({ secret, body, headers }) =>
    new LinearWebhookClient(secret).verify(Buffer.from(body), headers['linear-signature'])]],
  'twilio.form': [['twilio', ({ secret, body, url, headers }) =>
    twilio.validateRequest(secret, headers['x-twilio-signature'], url, form(body))]],
  'twilio.body_sha256': [['twilio', ({ secret, body, url, headers }) =>
    twilio.validateRequestWithBody(secret, headers['x-twilio-signature'], url, body)]],
  'discord.ed25519': [['discord-interactions', ({ secret, body, headers }) =>
    verifyKey(body, headers['x-signature-ed25519'], headers['x-signature-timestamp'], secret)]],
  'sendgrid.ecdsa_p256': [['@sendgrid/eventwebhook', ({ secret, body, headers }) => {
    const sdk = new sendgrid.EventWebhook()
    const name = 'x-twilio-email-event-webhook'
    const key = sdk.convertPublicKeyToECDSA(secret)
    return sdk.verifySignature(key, body, headers[`${name}-signature`], headers[`${name}-timestamp`])
  }]],
  'paddle.h1': [['@paddle/paddle-node-sdk', ({ secret, body, headers }) =>
    paddle.webhooks.isSignatureValid(body, secret, headers['paddle-signature'])]],
  'workos.v1': [['@workos-inc/node', ({ secret, body, headers }) =>
    workos.webhooks.verifyHeader({
      payload: JSON.parse(body),
      sigHeader: headers['workos-signature'],
      secret,
    })]],
  'notion.sha256': [['@notionhq/client', ({ secret, body, headers }) =>
    verifyWebhookSignature({
      body,
      signature: headers['x-notion-signature'],
      verificationToken: secret,
    })]],
}

const cases = JSON.parse(readFileSync(0))
for (const [index, delivery] of cases.entries()) {
  for (const [sdk, verify] of verifiers[delivery.scheme] ?? []) {
    seconds = delivery.now
    let verdict = 'accept'
    let why = ''
    try {
      if ((await verify(delivery)) === false) verdict = 'reject'
    } catch (error) {
      verdict = 'reject'
      why = `${error.constructor.name}: ${error.message}`.replaceAll(/\s+/g, ' ').slice(0, 90)
    }
    console.log([`${sdk} (npm)`, index, verdict, why].join('\t'))
  }
}
