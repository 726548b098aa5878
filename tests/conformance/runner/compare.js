// compare.js - what came against what a vector says, and one run's transcript against another's.
'use strict';
const { isDeepStrictEqual } = require('node:util');
const { bytesOf } = require('./play.js');

const nameOf = (step) => JSON.stringify(Object.fromEntries(Object.entries(step).filter(([key]) => !['out', 'events', 'hubEvents'].includes(key)))).slice(0, 300);

/** An expected packet as a transcript has it. */
function wanted(item, client) {
  const { to = client, payload, base64, body, ...rest } = item;
  const plain = { to, ...rest };
  if (payload !== undefined) plain.payload = bytesOf(payload).toString();
  if (plain.payload === '') delete plain.payload;
  if (base64 !== undefined) plain.base64 = base64;
  if ('status' in item) plain.to = item.to ?? 'service';
  if (body !== undefined) plain.body = typeof body === 'string' ? body : JSON.stringify(body);
  return plain;
}

/** What is left to the vector's choice: the body of a command's answer, and whether a session was there. */
function loosened(got, want) {
  const item = { ...got };
  if (want && 'status' in want && want.body === undefined) delete item.body;
  if (want && 'connack' in want && want.present === undefined) delete item.present;
  return item;
}

const STAMPS = ['iothub-connection-device-id', 'iothub-connection-module-id', 'iothub-connection-auth-method', 'iothub-connection-auth-generation-id', 'iothub-enqueuedtime', 'iothub-message-source'];

/** A telemetry event without what the hub stamps on every message. */
function unstamped(event) {
  if (event.kind !== 'telemetry') return event;
  return { ...event, system: Object.fromEntries(Object.entries(event.system).filter(([name]) => !STAMPS.includes(name))) };
}

/** Stamps count where the vector names them. */
const eventsLike = (got, want) => got.map((event, k) => (want[k]?.system?.[STAMPS[0]] === undefined ? unstamped(event) : event));

/** Of an event in the service's own shape the system properties count where the vector names them. */
const plainNotice = ({ systemProperties, ...rest }) => rest;
const noticesLike = (got, want) => got.map((notice, k) => (want[k]?.systemProperties === undefined ? plainNotice(notice) : notice));

const sorted = (items) => items.map((item, n) => [item, n]).sort(([a, m], [b, n]) => (a.to === 'service') - (b.to === 'service') || (a.to < b.to ? -1 : a.to > b.to ? 1 : m - n)).map(([item]) => item);

/** A twin as a vector writes it: of the service's document, the members it names. */
function twinOf(document, names) {
  const without = (section) => {
    const { $metadata, ...rest } = section;
    return rest;
  };
  const views = {
    tags: (d) => d.tags ?? {},
    desired: (d) => without(d.properties.desired),
    reported: (d) => without(d.properties.reported),
    desiredMetadata: (d) => d.properties.desired.$metadata,
    reportedMetadata: (d) => d.properties.reported.$metadata,
  };
  return Object.fromEntries(names.map((name) => [name, (views[name] ?? ((d) => d[name]))(document)]));
}

/** Compare with the file. Returns undefined, or {step, expected, got}. */
function againstFile(vector, { steps, after }) {
  let client = Object.keys(vector.online)[0] ?? Object.keys(vector.identities)[0];
  for (const [n, step] of vector.steps.entries()) {
    if (typeof step.connect === 'string') client = step.connect;
    const to = ['puback', 'disconnect', 'drop', 'ping', 'silence'].map((k) => step[k]).find((k) => typeof k === 'string') ?? step.client ?? client;
    const want = sorted((step.out ?? []).map((item) => wanted(item, to)));
    const got = steps[n].out.map((item, k) => loosened(item, want[k]));
    if (!isDeepStrictEqual(want, got)) return { step: `step ${n + 1} ${nameOf(step)}`, expected: want, got };
    const events = eventsLike(steps[n].events, step.events ?? []);
    if (step.events && !isDeepStrictEqual(step.events, events)) return { step: `step ${n + 1} ${nameOf(step)}, its events`, expected: step.events, got: events };
    const notices = noticesLike(steps[n].notices, step.hubEvents ?? []);
    if (step.hubEvents && !isDeepStrictEqual(step.hubEvents, notices)) return { step: `step ${n + 1} ${nameOf(step)}, its events in the service's own shape`, expected: step.hubEvents, got: notices };
  }
  for (const [id, want] of Object.entries(vector.after ?? {})) {
    const response = JSON.parse(after[id]);
    const got = response.status === 200 ? (want ? twinOf(response.body, Object.keys(want)) : {}) : null;
    if (JSON.stringify(want) !== JSON.stringify(got)) return { step: `the state after, ${id}`, expected: want, got };
  }
  return undefined;
}

/** Without the front door the broker says whether a session was there, by its own books. */
const comparable = (vector) => (item) => {
  if (vector.hub?.gateway !== false) return item;
  const { present, ...rest } = item;
  return rest;
};

/** The two runs must agree byte for byte. */
function betweenRuns(vector, memory, wire) {
  for (const [n, step] of vector.steps.entries()) {
    const [a, b] = [memory.steps[n].out.map(comparable(vector)), wire.steps[n].out.map(comparable(vector))];
    if (!isDeepStrictEqual(a, b)) return { step: `step ${n + 1} ${nameOf(step)}, in memory and over the wire`, expected: a, got: b };
    const [e, f] = [memory.steps[n].events, wire.steps[n].events];
    if (!isDeepStrictEqual(e, f)) return { step: `step ${n + 1} ${nameOf(step)}, its events in memory and over the wire`, expected: e, got: f };
    const [g, h] = [memory.steps[n].notices, wire.steps[n].notices];
    if (!isDeepStrictEqual(g, h)) return { step: `step ${n + 1} ${nameOf(step)}, its events in the service's own shape in memory and over the wire`, expected: g, got: h };
  }
  for (const id of Object.keys(memory.after)) if (memory.after[id] !== wire.after[id]) return { step: `the state after, ${id}, in memory and over the wire`, expected: memory.after[id], got: wire.after[id] };
  return undefined;
}

module.exports = { againstFile, betweenRuns, twinOf, unstamped, plainNotice };
