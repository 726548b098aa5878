/* model.js - what a scenario's data means: lanes, rows in the order of time, and what is marked. Knows nothing of the page. */
'use strict';

const QUIET_US = 250e3; /* a longer time without anything is shown as such */
const RUN_MIN = 8; /* so many like events in a row are shown as one line */

/* Kinds of events: the family that colours them, and between whom they pass (d: the device's side, h: hub, s: scenario, f: fault). */
const KINDS = {
  'hub-ready': ['hub', 'hh'], 'hub-stopping': ['hub', 'hh'], clock: ['hub', 'hh'],
  created: ['service', 'sh'], updated: ['service', 'sh'], deleted: ['service', 'sh'], tags: ['service', 'sh'],
  connected: ['connection', 'dh'], refused: ['connection', 'dh'], disconnected: ['connection', 'dh'],
  subscribed: ['connection', 'dh'], unsubscribed: ['connection', 'dh'], violation: ['fault', 'dh'],
  'twin-get': ['twin', 'dh'], reported: ['twin', 'dh'], desired: ['twin', 'hd'],
  telemetry: ['telemetry', 'dh'], method: ['service', 'hd'], 'method-answer': ['service', 'dh'],
  'message-queued': ['service', 'sh'], 'message-settled': ['service', 'dh'], fault: ['fault', 'fd'],
};
const ENDED_BY_HUB = new Set(['takeover', 'identity', 'token', 'fault', 'shutdown']);

/* Whom an event is about; of a refused connection what it called itself. */
const identityOf = (event) => (event.device ? (event.module ? `${event.device}/${event.module}` : event.device) : event.kind === 'refused' ? event.clientId : undefined);
const familyOf = (event) => (KINDS[event.kind] ?? ['hub'])[0];

/* What the agents are called, by their identities. */
const namesOf = (data) => new Map(Object.entries(data.agents ?? {}).filter(([, id]) => id).map(([name, id]) => [id, name]));

/* [{name, title}]: scenario, hub, one for each identity that speaks (the agents first), faults if there were any. */
function lanesOf(data, events) {
  const names = namesOf(data);
  const speakers = new Set(names.keys());
  for (const { event } of events) {
    const side = KINDS[event.kind]?.[1] ?? '';
    if (identityOf(event) && side.includes('d')) speakers.add(identityOf(event));
  }
  const shown = [...speakers].slice(0, 6);
  const lanes = [{ name: 'scenario', title: 'the steps of the scenario' }, { name: 'hub', title: 'the simulated hub' }];
  for (const id of shown) lanes.push({ name: names.get(id) ?? id, id, title: names.has(id) ? `${names.get(id)}, ${id}` : id });
  if (speakers.size > shown.length) lanes.push({ name: 'others', others: true, title: `${speakers.size - shown.length} more identities` });
  if (events.some(({ event }) => event.kind === 'fault')) lanes.push({ name: 'faults', faults: true, title: 'what was broken on purpose' });
  return lanes;
}

/* From which lane to which an event goes: [from, to]; equal when it stays in one. */
function pathOf(event, lanes) {
  const id = identityOf(event);
  const others = lanes.findIndex((lane) => lane.others);
  let device = lanes.findIndex((lane) => id && lane.id === id);
  if (device < 0 && id) device = others;
  const place = { s: 0, h: 1, d: device < 0 ? 1 : device, f: lanes.findIndex((lane) => lane.faults) };
  let [from, to] = KINDS[event.kind]?.[1] ?? 'hh';
  if (event.kind === 'disconnected' && ENDED_BY_HUB.has(event.reason)) [from, to] = ['h', 'd'];
  if (event.kind === 'desired') {
    if (event.cause) from = 's';
    if (event.delivered === false) to = 'h';
  }
  return [place[from], place[to]];
}

/* Percent-encoded text as a person reads it. */
function plain(encoded) {
  try {
    return encoded && decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/* An event in a few words: [name, what of it, its content or undefined]. */
function wordsOf(event) {
  const number = event.version === undefined ? '' : `version ${event.version}`;
  const say = (...words) => words.filter((word) => word !== undefined && word !== '').join(', ');
  const content = event.patch ?? event.body ?? (event.bodyBase64 === undefined ? undefined : `(base64) ${event.bodyBase64}`);
  switch (event.kind) {
    case 'connected': return ['connected', say(event.clean === false ? 'keeps its session' : '', plain(event.clientType))];
    case 'refused': return ['refused', event.reason];
    case 'disconnected': return ['disconnected', event.reason];
    case 'subscribed': case 'unsubscribed': return [event.kind, event.filter];
    case 'twin-get': return ['twin-get', `answered ${event.status}`];
    case 'reported': return ['reported', say(`answered ${event.status}`, number, event.error?.message ?? event.error), content];
    case 'desired': return ['desired', say(number, event.replace ? 'replaced' : '', event.delivered === false ? 'nobody listened' : ''), content];
    case 'telemetry': return ['telemetry', event.security ? 'security' : '', content];
    case 'violation': return ['violation', say(event.reason, event.topic)];
    case 'fault': return ['fault', say([event.type, event.operation && `on ${event.operation}`].filter(Boolean).join(' '), event.phase)];
    case 'clock': return ['clock', say(event.offset_us === undefined ? '' : `${event.offset_us < 0 ? '-' : '+'}${lasting(Math.abs(event.offset_us))}`, event.frozen ? 'frozen' : '')];
    default: return [event.kind ?? 'event', say(event.reason, event.status), content];
  }
}

/* The rows of a scenario in the order of time:
 *   {type: 'step'|'event'|'run'|'quiet'|'cursor'|'why', us, ...}, those before the first step apart. */
function readModel(data) {
  const first = (data.eventsBefore ?? 0) + 1;
  const failure = data.failure ?? {};
  const events = data.events.map((event, i) => ({ type: 'event', number: first + i, us: event.mono_us - data.beganUs, event }));
  const steps = (data.steps ?? []).map((step, i) => ({ type: 'step', index: i + 1, us: step.us ?? 0, endUs: (step.us ?? 0) + (step.ms ?? 0) * 1000, step }));
  /* Of a parallel group that is red, the step in one of its lanes is meant. */
  const reds = steps.filter(({ step }) => step.verdict === 'failed' || step.verdict === 'error');
  const red = reds.find(({ step }) => step.lane) ?? reds[0];
  const lanes = lanesOf(data, events);
  const processes = (data.processes ?? []).map((process) => ({ type: 'process', us: Math.max(0, process.us), process, lane: Math.max(0, lanes.findIndex((lane) => lane.id && lane.id === data.agents?.[process.agent])) }));
  for (const row of processes) row.path = [row.lane, row.lane];
  const takenBy = new Map(steps.filter(({ step }) => step.event).map((row) => [row.step.event, row]));
  for (const row of events) {
    row.path = pathOf(row.event, lanes);
    row.takenBy = takenBy.get(row.number);
    row.isNearest = row.number === failure.nearestEvent;
  }
  const setUp = events.filter((row) => row.us < 0);
  const rows = merge([...events.filter((row) => row.us >= 0), ...processes], steps, red, failure);
  const endUs = Math.max(1, ...[...steps.map((row) => row.endUs), ...processes.map((row) => row.us)], events.length ? events[events.length - 1].us : 0);
  const abreast = Math.max(1, ...steps.map(({ step }) => step.lane ?? 1));
  return { lanes, names: namesOf(data), events, processes, steps, abreast, red, setUp, rows, endUs, failure };
}

function merge(events, steps, red, failure) {
  const rows = [];
  const moments = [...events, ...steps];
  if (red) moments.push({ type: 'why', us: red.endUs, step: red });
  if (steps.length) moments.push({ type: 'end', us: Math.max(...steps.map((row) => row.endUs)) + 1 });
  /* At the same moment a step begins before its events come, and is over after them. */
  const rank = { step: 0, process: 1, event: 1, why: 2, end: 3 };
  moments.sort((a, b) => a.us - b.us || rank[a.type] - rank[b.type] || (a.number ?? 0) - (b.number ?? 0));
  let last;
  for (const row of moments) {
    if (last && row.us - last.us > QUIET_US) rows.push({ type: 'quiet', us: last.us + 1, lasts: row.us - last.us });
    if (row.type === 'step' && row === red && failure.cursor && row.step.text.match(/^(\S+: )?(expect|never)/)) {
      rows.push(row, { type: 'cursor', us: row.us, number: failure.cursor });
    } else {
      rows.push(row);
    }
    last = row;
  }
  return gather(rows);
}

/* Many like events in a row become one, so that a flood of telemetry does not bury the rest. */
function gather(rows) {
  const isPlain = (row) => row.type === 'event' && !row.takenBy && !row.isNearest;
  const key = (row) => `${row.event.kind} ${identityOf(row.event)} ${row.event.status ?? ''}`;
  const out = [];
  for (let i = 0; i < rows.length;) {
    let end = i + 1;
    if (isPlain(rows[i])) while (end < rows.length && isPlain(rows[end]) && key(rows[end]) === key(rows[i])) end++;
    if (end - i >= RUN_MIN) out.push({ type: 'run', us: rows[i].us, endUs: rows[end - 1].us, path: rows[i].path, event: rows[i].event, rows: rows.slice(i, end) });
    else out.push(...rows.slice(i, end));
    i = end;
  }
  return out;
}

/* Which rows lie within which step, for the bar beside them. */
function stepAt(steps, us) {
  return steps.findLast((row) => us > row.us && us <= row.endUs);
}

const seconds = (us) => (us / 1e6).toFixed(3);
function lasting(us) {
  const s = us / 1e6;
  if (s >= 7200) return `${(s / 3600).toFixed(1)} h`;
  if (s >= 120) return `${(s / 60).toFixed(1)} min`;
  return s >= 10 ? `${s.toFixed(0)} s` : s >= 1 ? `${s.toFixed(1)} s` : `${Math.round(us / 1e3)} ms`;
}
