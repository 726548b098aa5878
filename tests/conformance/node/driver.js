// driver.js - the official Node SDK behind the line protocol of ../README.md.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { Client, Message, ModuleClient } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');
const { NoRetry } = require('azure-iot-common');

const clients = new Map();
let lastCall = 0;

const say = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);
/** node.js callbacks as promises. */
const done = (f) => new Promise((resolve, reject) => f((error, value) => (error ? reject(error) : resolve(value))));

const KINDS = {
  UnauthorizedError: 'unauthorized', NotConnectedError: 'unreachable', TimeoutError: 'timeout', NotImplementedError: 'unsupported',
  ArgumentError: 'invalid', FormatError: 'invalid', ReferenceError: 'invalid', TypeError: 'invalid', RangeError: 'invalid',
};
/** What the SDK tells of an error. What the hub answers to a twin's request comes as a plain Error with the hub's words. */
function told(error) {
  const plain = error.message === 'Connection closed' ? 'unreachable' : 'refused';
  return { kind: error.constructor === Error ? plain : (KINDS[error.name] ?? 'unknown'), message: `${error.name}: ${error.message}` };
}

class Driven {
  constructor(name) {
    this.name = name;
    this.calls = new Map(); // responses of methods that wait for their answer
    this.messages = new Map();
  }

  tell(event, members) {
    say({ event, client: this.name, ...members });
  }

  async connect({ connectionString, sas, module, ca, modelId, keepAlive, tokenSeconds, renewSeconds, retry }) {
    const Kind = module || connectionString?.includes('ModuleId=') ? ModuleClient : Client;
    const c = sas ? Kind.fromSharedAccessSignature(sas, Mqtt) : Kind.fromConnectionString(connectionString, Mqtt);
    this.sdk = c;
    c.on('error', (error) => this.tell('disconnected', { message: error.message }));
    c.on('disconnect', (why) => this.tell('disconnected', { message: String(why?.transportObj ?? '') }));
    if (retry === false) c.setRetryPolicy(new NoRetry());
    const tokenRenewal = tokenSeconds && { tokenValidTimeInSeconds: tokenSeconds, tokenRenewalMarginInSeconds: renewSeconds };
    await c.setOptions({ ca: fs.readFileSync(ca, 'utf8'), ...(modelId && { modelId }), ...(keepAlive && { keepalive: keepAlive }), ...(tokenRenewal && { tokenRenewal }) });
    try {
      await c.open();
    } catch (error) {
      clients.delete(this.name);
      await done((callback) => c.close(callback)).catch(() => {});
      throw error;
    }
    c.on('connect', () => this.tell('connected'));
  }

  async disconnect() {
    clients.delete(this.name);
    await done((callback) => this.sdk.close(callback));
  }

  async listen({ what, names }) {
    const { sdk } = this;
    if (what === 'desired') {
      const twin = await this.heldTwin();
      // To a new listener, and after each read, the SDK tells all that it holds, with the very object: no change.
      twin.on('properties.desired', (patch) => patch !== twin.properties.desired && this.tell('desired', { patch }));
    } else if (what === 'methods') {
      this.handlers ??= new Set();
      for (const name of names.filter((n) => !this.handlers.has(n))) {
        this.handlers.add(name);
        (sdk.onDeviceMethod ?? sdk.onMethod).call(sdk, name, ({ payload }, response) => {
          const call = ++lastCall;
          this.calls.set(call, response);
          this.tell('method', { call, name, payload });
        });
      }
    } else if (what === 'messages') {
      sdk.on('message', (message) => {
        const id = ++lastCall;
        this.messages.set(id, message);
        this.tell('message', { message: id, ...read(message) });
      });
    } else {
      sdk.on('inputMessage', (input, message) => this.tell('input', { input, ...read(message) }));
    }
  }

  readTwin() {
    return done((callback) => this.sdk.getTwin(callback));
  }
  /** The SDK listens and reports through a twin that was read once. */
  async heldTwin() {
    this.held ??= this.readTwin();
    return this.held.catch((error) => {
      this.held = undefined;
      throw error;
    });
  }

  async twin() {
    const { properties } = await this.readTwin();
    return { desired: properties.desired, reported: properties.reported }; // printing leaves the SDK's functions out
  }

  async report({ patch }) {
    const twin = await this.heldTwin();
    await done((callback) => twin.properties.reported.update(patch, callback));
  }

  async send({ message }) {
    const m = written(message);
    await done((callback) => (message.output ? this.sdk.sendOutputEvent(message.output, m, callback) : this.sdk.sendEvent(m, callback)));
  }

  async answer({ call, status, payload }) {
    const response = this.calls.get(call);
    this.calls.delete(call);
    await done((callback) => (payload === undefined ? response.send(status, callback) : response.send(status, payload, callback)));
  }

  async settle({ message, how }) {
    await done((callback) => this.sdk[how](this.messages.get(message), callback));
  }

  async renew({ sas }) {
    await done((callback) => this.sdk.updateSharedAccessSignature(sas, callback));
  }
}

function written({ body, bodyBase64, properties = {}, expiry, security, output, ...system }) {
  const m = new Message(bodyBase64 === undefined ? body : Buffer.from(bodyBase64, 'base64'));
  Object.assign(m, system, expiry && { expiryTimeUtc: expiry });
  for (const [key, value] of Object.entries(properties)) m.properties.add(key, value);
  if (security) m.setAsSecurityMessage();
  return m;
}

function read(message) {
  const properties = Object.fromEntries(message.properties.propertyList.map(({ key, value }) => [key, value]));
  const { messageId, correlationId, userId, to, expiryTimeUtc: expiry, contentType, contentEncoding, data } = message;
  const bytes = Buffer.from(data);
  const text = bytes.toString();
  return { ...(Buffer.from(text).equals(bytes) ? { body: text } : { bodyBase64: bytes.toString('base64') }), properties, messageId, correlationId, userId, to, expiry, contentType, contentEncoding };
}

async function answer({ id, client, do: what, ...members }) {
  try {
    if (what === 'connect') clients.set(client, new Driven(client));
    const driven = clients.get(client);
    if (!driven && what !== 'disconnect') throw new TypeError(`there is no client ${client}`);
    say({ id, ok: (await driven?.[what](members)) ?? null });
  } catch (error) {
    say({ id, error: told(error) });
  }
}

const versionOf = (name) => JSON.parse(fs.readFileSync(path.join(__dirname, 'node_modules', name, 'package.json'), 'utf8')).version;
say({ hello: { language: 'node', sdk: `azure-iot-device ${versionOf('azure-iot-device')}`, runtime: `Node.js ${process.versions.node}` } });
const input = readline.createInterface({ input: process.stdin });
input.on('line', (line) => {
  const request = JSON.parse(line);
  if (request.do === 'quit') process.exit(0);
  answer(request);
});
input.on('close', () => process.exit(0));
