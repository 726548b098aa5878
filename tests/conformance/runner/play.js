// play.js - one vector over one transport (memory.js or wire.js): the state before, the steps, the state after. Gives a transcript, which
// holds the same bytes whichever transport it was.
'use strict';
const { sas } = require('../../support/hub.js');
const { maskNotice, maskText, maskTopic, maskEvent, ridOf } = require('./mask.js');
const { SEED } = require('./wire.js');

const HOST = 'twinsim.azure-devices.test';
const START_S = 1893456000;
const FILTERS = {
  res: '$iothub/twin/res/#', desired: '$iothub/twin/PATCH/properties/desired/#', methods: '$iothub/methods/POST/#',
  c2d: (id) => `${home(id)}/messages/devicebound/#`, inputs: (id) => `${home(id)}/inputs/#`,
};
const home = (id) => `devices/${id.replace('/', '/modules/')}`;
const filterOf = (word, id) => (typeof FILTERS[word] === 'function' ? FILTERS[word](id) : (FILTERS[word] ?? word));
const idsOf = (id) => {
  const [deviceId, moduleId] = id.split('/');
  return { deviceId, ...(moduleId !== undefined && { moduleId }) };
};

/** The text (or bytes) that a vector means: a text as it stands, JSON printed without blanks, or base64. */
function bytesOf(spec, base64) {
  if (base64 !== undefined) return Buffer.from(base64, 'base64');
  if (spec === undefined) return Buffer.alloc(0);
  return Buffer.from(typeof spec === 'string' ? spec : JSON.stringify(spec));
}

const DURATION = { ms: 1e3, s: 1e6, m: 60e6, h: 3600e6, d: 86400e6 };
const durationUs = (text) => {
  const [, n, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text);
  return Number(n) * DURATION[unit];
};

/* --- credentials --- */

function keyOf(spec, identity, vector) {
  if (spec.startsWith('policy:')) return sas.policyKey(spec.slice(7), SEED);
  const [, which, of, turn] = /^(primary|secondary)(?: of ([^ ]+))?(?: turn (\d+))?$/.exec(spec) ?? [];
  if (!which) return Buffer.from(spec, 'base64');
  const given = vector.identities[of ?? identity]?.[`${which}Key`];
  return given ? Buffer.from(given, 'base64') : sas.identityKey(of ?? identity, { which, turn: Number(turn ?? 0), seed: SEED });
}

/** A token as the vector wants it: which key, which sr, how long, in which order. */
function tokenOf(spec, identity, vector, nowS) {
  const sr = (spec.sr ?? encodeURIComponent(`${HOST}/${home(identity)}`)).replace('{host}', HOST);
  const se = spec.se ?? String(nowS + (spec.ttl ?? 3600));
  const whole = sas.token({ sr, se, key: keyOf(spec.key ?? 'primary', identity, vector), skn: spec.skn });
  const fields = Object.fromEntries(whole.replace('SharedAccessSignature ', '').split('&').map((f) => [f.slice(0, f.indexOf('=')), f]));
  if (spec.sig !== undefined) fields.sig = `sig=${spec.sig}`;
  if (spec.rawSig) fields.sig = `sig=${decodeURIComponent(fields.sig.slice(4))}`;
  const order = spec.order ?? ['sr', 'sig', 'se', 'skn'];
  return `${spec.scheme ?? 'SharedAccessSignature'} ${order.filter((f) => f in fields).map((f) => fields[f]).join('&')}`;
}

function loginOf(step, client, vector, nowS) {
  const identity = step.identity ?? client.replace(/#.*$/, '');
  const login = { clientId: step.clientId ?? identity, clean: step.clean ?? true, keepAlive: step.keepAlive ?? 240, level: step.level ?? 4, ...(step.will && { will: { ...step.will, payload: bytesOf(step.will.payload, step.will.base64) } }), acknowledges: step.acknowledge !== false };
  if (step.userName !== null) login.username = step.userName ?? `${HOST}/${identity}/${step.query ?? '?api-version=2021-04-12'}`;
  if (step.password !== null) login.password = step.password ?? tokenOf(step.token ?? {}, identity, vector, nowS);
  return login;
}

/* --- the transcript --- */

let plays = 0;

class Log {
  constructor() {
    this.mark = `v${++plays}`; // of this play's commands: what earlier ones left behind is none of it
    this.seen = new Map(); // what is masked, by its value
    this.sequence = '';
    this.rids = new Map(); // of each client, the method calls it heard, oldest first
    this.clear();
  }

  clear() {
    this.out = new Map();
    this.events = [];
    this.notices = [];
  }

  push(to, item) {
    if (!this.out.has(to)) this.out.set(to, []);
    this.out.get(to).push(item);
  }

  publish(to, topic, qos, bytes, dup) {
    const rid = ridOf(topic);
    if (rid !== undefined) this.rids.set(to, [...(this.rids.get(to) ?? []), rid]);
    const text = bytes.toString();
    const isText = Buffer.from(text).equals(bytes);
    this.push(to, { topic: maskTopic(topic), ...(qos && { qos }), ...(dup && { dup: true }), ...(isText ? text && { payload: maskText(text) } : { base64: bytes.toString('base64') }) });
  }

  other({ to, ...item }) {
    this.push(to, item);
  }

  response(text) {
    if (!text.includes(`"correlationData":"${this.mark}-`)) return;
    const at = text.indexOf('"body":') + 7;
    const { status } = JSON.parse(text);
    this.push('service', { status, body: maskText(text.slice(at, -1), this.seen) });
  }

  event(text) {
    const event = maskEvent(text, [...this.rids.values()].flat(), this.seen);
    if (event) this.events.push(event);
  }

  notice(topic, text) {
    const [notice, sequence] = maskNotice(topic, text, this.sequence, this.seen);
    this.sequence = sequence;
    this.notices.push(notice);
  }

  /** Everything of one step: each client's packets in their order, the clients by name, the service last. */
  take() {
    const names = [...this.out.keys()].sort((a, b) => (a === 'service') - (b === 'service') || (a < b ? -1 : 1));
    const out = names.flatMap((to) => this.out.get(to).map((item) => ({ to, ...item })));
    const { events, notices } = this;
    this.clear();
    return { out, events, notices };
  }
}

/* --- playing --- */

async function setUp(vector, transport, log) {
  await transport.reset(vector.hub);
  const made = new Set();
  for (const [id, spec] of Object.entries(vector.identities)) {
    const { deviceId, moduleId } = idsOf(id);
    if (moduleId !== undefined && !made.has(deviceId) && !(deviceId in vector.identities)) await must(transport, { command: 'device.create', deviceId });
    made.add(deviceId);
    const { tags, desired, reported, ...rest } = spec;
    const properties = { ...(desired && { desired }), ...(reported && { reported }) };
    const twin = { ...(tags && { tags }), ...(Object.keys(properties).length && { properties }) };
    await must(transport, { command: moduleId === undefined ? 'device.create' : 'module.create', ...idsOf(id), ...rest, ...(Object.keys(twin).length && { twin }) });
  }
  for (const [client, filters] of Object.entries(vector.online)) {
    const login = loginOf({}, client, vector, START_S);
    await transport.step({ kind: 'connect', client, login }, log);
    if (filters.length) await transport.step({ kind: 'subscribe', client, filters: filters.map((f) => filterOf(f, client)), qos: 0 }, log);
  }
  await transport.begin();
  log.clear();
}

async function must(transport, command) {
  const response = JSON.parse(await transport.ask(command));
  if (response.status !== 200) throw new Error(`the state before cannot be made: ${JSON.stringify(command)}: ${JSON.stringify(response.body)}`);
}

const KINDS = ['connect', 'subscribe', 'unsubscribe', 'publish', 'puback', 'disconnect', 'drop', 'ping', 'send', 'silence', 'command', 'advance', 'pass', 'restart'];

/** A step of the file as the transports want it. state: {client, nowS, calls} */
function resolve(step, vector, state, log) {
  const kind = KINDS.find((k) => k in step);
  const named = ['connect', 'puback', 'disconnect', 'drop', 'ping', 'silence'].includes(kind) && typeof step[kind] === 'string' ? step[kind] : step.client;
  const client = named ?? state.client;
  const base = { kind, client };
  switch (kind) {
    case 'connect':
      state.client = client;
      return { ...base, login: loginOf(step, client, vector, state.nowS) };
    case 'subscribe':
    case 'unsubscribe':
      return { ...base, filters: [step[kind]].flat().map((f) => filterOf(f, client.replace(/#.*$/, ''))), qos: step.qos ?? 0 };
    case 'publish':
      return { ...base, topic: takeRid(step.publish, log.rids.get(client) ?? [...log.rids.values()].at(-1)), bytes: bytesOf(step.payload, step.base64), qos: step.qos ?? 0, retain: step.retain === true, dup: step.dup === true };
    case 'send':
      return { ...base, bytes: Buffer.from(step.send, 'hex') };
    case 'command':
      return { kind, client: 'service', command: { correlationData: `${log.mark}-${++state.calls}`, ...step.command }, policy: step.policy, isLater: step.later === true };
    case 'advance':
      state.nowS += durationUs(step.advance) / 1e6;
      return { kind: 'command', client: 'service', command: { correlationData: `${log.mark}-${++state.calls}`, command: 'clock.advance', by: step.advance }, isAdvance: true };
    case 'puback':
      return { ...base, nth: (step.nth ?? 1) - 1 };
    case 'pass':
      return { ...base, us: durationUs(step.pass) };
    case 'restart':
      state.nowS = START_S;
      log.sequence = ''; // the world's clock stands still, and numbers begin with the hub's life
      return { ...base, how: step.restart };
    default:
      return base;
  }
}

/** "<rid>" is the latest call this client heard, "<rid:1>" the first one; "<RID>" and "<RID:1>": in capitals. */
function takeRid(topic, rids = []) {
  return topic.replace(/<(rid|RID)(?::(\d+))?>/, (all, word, n) => {
    const rid = rids[n === undefined ? rids.length - 1 : n - 1] ?? all;
    return word === 'RID' ? rid.toUpperCase() : rid;
  });
}

async function stateAfter(vector, transport, { seen }) {
  const ids = [...new Set([...Object.keys(vector.identities), ...Object.keys(vector.after ?? {})])];
  const after = {};
  for (const id of ids) after[id] = maskText(await transport.ask({ command: 'twin.show', correlationData: 'own-after', ...idsOf(id) }), seen);
  return after;
}

/** expected: the transcript of another run, if there is one: how many packets are to be waited for. */
async function play(vector, transport, expected) {
  const log = new Log();
  const state = { client: Object.keys(vector.online)[0] ?? Object.keys(vector.identities)[0], nowS: START_S, calls: 0 };
  const steps = [];
  await setUp(vector, transport, log);
  for (const [n, raw] of vector.steps.entries()) {
    const step = resolve(raw, vector, state, log);
    const counts = {};
    for (const item of expected?.[n]?.out ?? []) counts[item.to] = (counts[item.to] ?? 0) + 1;
    await transport.step(step, log, counts);
    const took = log.take();
    if (step.isAdvance) took.out = took.out.filter((item) => item.to !== 'service');
    steps.push(took);
  }
  return { steps, after: await stateAfter(vector, transport, log) };
}

module.exports = { play, bytesOf };
