// mirror-agent.js - an agent that does with its twin what every agent should, as a model of `twinsim explore` describes it; and, if
// asked to, does one thing wrong.
//
//   node mirror-agent.js MODEL.json          MIRROR_BUG=word: one of BUGS below
'use strict';
const fs = require('node:fs');
const { setTimeout: after } = require('node:timers/promises');
const { connectAsToldByEnvironment } = require('./tiny-agent.js');

const BUGS = {
  'forgets-null-deletes': 'what is removed stays as it was',
  'ignores-versions': 'a notification counts though a newer one came before it',
  'goes-back': 'the same, and it says so: the version that it tells is the old one',
  'no-get-after-reconnect': 'the twin is read once, when the agent starts',
  'busy-loop': 'it looks around all the time',
  'chatters': 'it reports again and again',
  'dies-of-an-empty-object': 'it reads a member of what has none',
  'dies-when-cut': 'a lost connection is an error that nobody catches',
  'forgets-what-a-replacement-drops': 'a GET is laid over what is known',
  'lets-go-late': 'it does not end on SIGTERM once it was reconnected',
};
const bug = process.env.MIRROR_BUG ?? '';
if (bug && !(bug in BUGS)) throw new Error(`there is no bug '${bug}'`);

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

// ---- the model: where things live ----

const model = JSON.parse(fs.readFileSync(process.argv[2], 'utf8').replace(/^\s*\/\/.*$/gm, ''));

/** The keys of the place that a name stands for. */
function place(name) {
  for (const [pattern, where] of Object.entries(model.aliases ?? {})) {
    const [before, behind] = pattern.split('*');
    if (behind === undefined && pattern === name) return where.split('.');
    if (behind === undefined || !name.startsWith(before) || !name.endsWith(behind)) continue;
    const star = name.slice(before.length, name.length - behind.length);
    if (star && !star.includes('.')) return where.replace('*', star).split('.');
  }
  return name.split('.');
}

const properties = Object.entries(model.properties).map(([name, property]) => {
  const set = property.set ?? model.set ?? '*';
  return { desired: place(set.replace('*', name)), reported: place((property.reported ?? property.set ?? model.reported ?? set).replace('*', name)), otherwise: property.default ?? null, invalid: property.invalid ?? [] };
});

// ---- the twin ----

function merge(target, patch) {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      if (bug !== 'forgets-null-deletes') delete target[key];
    } else if (isObject(value)) {
      if (bug === 'dies-of-an-empty-object' && Object.keys(value).length === 0) process.exit(70);
      if (!isObject(target[key])) target[key] = {};
      merge(target[key], value);
    } else {
      target[key] = value;
    }
  }
}

let client;
let desired = {};
let version = 0;
let inForce = []; // value by value; what is desired as a whole, or what was before it
let shown = '';
let reconnects = 0;
let rid = 0;

const at = (object, keys) => keys.reduce((o, key) => (isObject(o) ? o[key] : undefined), object);
const patchTopic = () => `$iothub/twin/PATCH/properties/reported/?$rid=p${++rid}`;

/** Report everything in force, unless that is what was said last on this connection. */
async function report(always = false) {
  const wanted = properties.map((p) => at(desired, p.desired) ?? p.otherwise);
  const isGood = properties.every((p, i) => !p.invalid.some((one) => JSON.stringify(one) === JSON.stringify(wanted[i])));
  if (isGood) inForce = wanted;
  const patch = {};
  for (const [i, p] of properties.entries()) {
    let into = patch;
    for (const key of p.reported.slice(0, -1)) into = into[key] ??= {};
    into[p.reported.at(-1)] = inForce[i] ?? null;
  }
  if (model.applied) patch[model.applied] = version;
  const text = JSON.stringify(patch);
  if (text === shown && !always) return;
  shown = text;
  await client.publish(patchTopic(), text);
}

/** Returns false when the connection broke. */
async function read() {
  const { status, body } = await client.twinGet(`g${++rid}`);
  if (status !== 200) throw new Error(`the twin cannot be read: ${status}`);
  const { $version, ...now } = body.desired;
  if (bug === 'forgets-what-a-replacement-drops') merge(desired, now);
  else desired = now;
  version = $version;
}

const looksAway = bug === 'ignores-versions' || bug === 'goes-back';

async function follow() {
  for (;;) {
    const { payload } = await client.message('$iothub/twin/PATCH/properties/desired/', { ms: 2 ** 31 - 1 });
    const { $version, ...patch } = JSON.parse(payload);
    if ($version <= version && !looksAway) continue;
    if ($version > version + 1 && !looksAway) await read();
    else merge(desired, patch);
    version = bug === 'goes-back' ? $version : Math.max(version, $version);
    await report();
  }
}

async function connection() {
  client = await connectAsToldByEnvironment();
  await client.subscribe(['$iothub/twin/res/#', '$iothub/twin/PATCH/properties/desired/#']);
  if (reconnects++ === 0 || bug !== 'no-get-after-reconnect') await read();
  if (reconnects > 1 && bug === 'lets-go-late') process.on('SIGTERM', () => {});
  shown = '';
  await report();
  await follow();
}

async function main() {
  for (;;) {
    await connection().catch((error) => console.log(error.message));
    if (bug === 'dies-when-cut') process.exit(70);
    await after(50);
  }
}

if (bug === 'busy-loop') setImmediate(function again() { setImmediate(again); });
if (bug === 'chatters') setInterval(() => client && !client.isClosed && shown && report(true), 50);
setInterval(() => {}, 1 << 30); // stay
main();
