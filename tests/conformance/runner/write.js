// write.js - vector files as they are kept: one step, one packet and one row a line. Fills in what came out.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { FOLDER } = require('./load.js');
const { twinOf, unstamped, plainNotice } = require('./compare.js');

const WIDTH = 140;

const isFlat = (node) => node === null || typeof node !== 'object' || Object.keys(node).length === 0;
const oneLine = (node) => {
  if (isFlat(node)) return JSON.stringify(node);
  if (Array.isArray(node)) return `[${node.map(oneLine).join(', ')}]`;
  return `{${Object.entries(node).map(([k, v]) => `${JSON.stringify(k)}: ${oneLine(v)}`).join(', ')}}`;
};

/** In one line where it fits, else a line for each of its parts. */
function print(node, indent = '') {
  const line = oneLine(node);
  if (isFlat(node) || line.length + indent.length <= WIDTH) return line;
  const inner = `${indent}  `;
  if (Array.isArray(node)) return `[\n${node.map((one) => inner + print(one, inner)).join(',\n')}\n${indent}]`;
  return `{\n${Object.entries(node).map(([k, v]) => `${inner}${JSON.stringify(k)}: ${print(v, inner)}`).join(',\n')}\n${indent}}`;
}

/** A step: its action on one line, then what came out, a packet a line. */
function printStep(step, indent) {
  const { out, events, hubEvents, ...action } = step;
  const lists = Object.entries({ out, events, hubEvents }).filter(([, list]) => list !== undefined);
  if (oneLine(step).length + indent.length <= WIDTH) return oneLine(step);
  const inner = `${indent}  `;
  const head = oneLine(action).slice(0, -1);
  const list = ([name, items]) => `\n${indent} ${JSON.stringify(name)}: ${!Array.isArray(items) ? oneLine(items) : items.length ? `[\n${items.map((item) => inner + oneLine(item)).join(',\n')}]` : '[]'}`;
  return `${head}${lists.map((l) => `,${list(l)}`).join('')}}`;
}

function printVector(v, indent) {
  const inner = `${indent}  `;
  const member = ([k, value]) => {
    if (k === 'steps') return `${inner}"steps": [\n${value.map((s) => `${inner}  ${printStep(s, `${inner}  `)}`).join(',\n')}\n${inner}]`;
    if (k === 'each') return `${inner}"each": [\n${value.map((row) => `${inner}  ${oneLine(row)}`).join(',\n')}\n${inner}]`;
    return `${inner}${JSON.stringify(k)}: ${print(value, inner)}`;
  };
  return `{\n${Object.entries(v).map(member).join(',\n')}\n${indent}}`;
}

function printFile({ vectors, ...rest }) {
  const head = Object.entries(rest).map(([k, v]) => `  ${JSON.stringify(k)}: ${print(v, '  ')},\n`).join('');
  return `{\n${head}  "vectors": [\n${vectors.map((v) => `    ${printVector(v, '    ')}`).join(',\n')}\n  ]\n}\n`;
}

/* --- filling in --- */

/** A payload as JSON where that prints to the very same bytes. */
function readable(text) {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text);
    if (value && typeof value === 'object' && JSON.stringify(value) === text) return value;
  } catch {
    // a text, then
  }
  return text;
}

function shown(item, client) {
  const { to, present, payload, body, ...rest } = item;
  const isService = 'status' in item;
  return { ...(to !== client && !(isService && to === 'service') && { to }), ...rest, ...(present && { present }), ...(payload !== undefined && { payload: readable(payload) }), ...(isService && (item.status >= 300 || body.length <= 160) && { body: readable(body) }) };
}

const DEFAULT_AFTER = ['version', 'desired', 'reported'];
const hole = (value) => (typeof value === 'string' ? /^\$\{(\w+)\}$/.exec(value)?.[1] : undefined);

/** The rows of an "each": where a step says "out": "${out}", each row has its own; the same for "after" and for the twins in it. */
function fillRow(raw, row, result, all) {
  let client = Object.keys(result.vector.online)[0] ?? Object.keys(result.vector.identities)[0];
  const put = (name, value) => {
    if (name !== undefined && (all || row[name] === undefined)) row[name] = value;
  };
  raw.steps.forEach((step, n) => {
    if (typeof step.connect === 'string') client = step.connect;
    const items = result.transcript.steps[result.vector.firstOf[n]].out;
    for (const [k, item] of (row[hole(step.out)] ?? []).entries()) if (item.body === true) item.body = readable(items[k].body);
    put(hole(step.out), result.transcript.steps[result.vector.firstOf[n]].out.map((item) => shown(item, step.client ?? client)));
    put(hole(step.events), result.transcript.steps[result.vector.firstOf[n]].events.map(unstamped));
  });
  const ids = Object.keys(result.vector.after ?? {});
  for (const [n, want] of Object.values(raw.after ?? {}).entries()) {
    const response = JSON.parse(result.transcript.after[ids[n]]);
    const has = row[hole(want)];
    if (hole(want)) put(hole(want), response.status === 200 ? twinOf(response.body, has ? Object.keys(has) : DEFAULT_AFTER) : null);
  }
}

function fillIn(raw, result, all) {
  let client = Object.keys(result.vector.online)[0] ?? Object.keys(result.vector.identities)[0];
  raw.steps.forEach((step, n) => {
    if (typeof step.connect === 'string') client = step.connect;
    const to = ['puback', 'disconnect', 'drop', 'ping', 'silence'].map((k) => step[k]).find((k) => typeof k === 'string') ?? step.client ?? client;
    const { out, events, notices } = result.transcript.steps[result.vector.firstOf[n]];
    if (all || step.out === undefined) step.out = out.map((item, k) => ({ ...shown(item, to), ...(step.out?.[k]?.body !== undefined && { body: readable(item.body) }) }));
    for (const [k, item] of out.entries()) if (step.out[k]?.body === true) step.out[k].body = readable(item.body);
    if (step.out.length === 0) delete step.out;
    if (step.events === true || (all && step.events)) step.events = events.map(unstamped);
    if (step.hubEvents === true || (all && step.hubEvents)) step.hubEvents = notices.map(plainNotice);
    if (step.hubEvents === 'full') step.hubEvents = notices;
    if (step.events === 'full') step.events = events;
  });
  for (const [id, want] of Object.entries(raw.after ?? {})) {
    const response = JSON.parse(result.transcript.after[id]);
    if (want !== null && Object.values(want).includes(true)) for (const name of Object.keys(want)) if (want[name] === true) want[name] = twinOf(response.body, [name])[name];
    if (want === true || all) raw.after[id] = response.status === 200 ? twinOf(response.body, want && want !== true ? Object.keys(want) : DEFAULT_AFTER) : null;
  }
}

/** Write the files of these results anew. Vectors with rows are left to their author; files are printed in their form all the same. */
function rewrite(results, all) {
  for (const file of new Set(results.map((r) => r.vector.file))) {
    const place = path.join(FOLDER, file);
    const document = JSON.parse(fs.readFileSync(place, 'utf8'));
    for (const raw of document.vectors) {
      const mine = results.filter((r) => r.vector.file === file && r.transcript && r.vector.template === raw.name);
      for (const result of mine)
        if (raw.each) fillRow(raw, raw.each[result.vector.row], result, all);
        else fillIn(raw, result, all && !raw.vars);
    }
    fs.writeFileSync(place, printFile(document));
    for (const r of results.filter((one) => one.vector.file === file && one.problem)) process.stdout.write(`# ${r.vector.name}: ${r.problem.step}\n#   ${JSON.stringify(r.problem.expected)}\n#   ${r.transcript ? JSON.stringify(r.problem.got) : r.problem.got}\n`);
  }
}

module.exports = { rewrite, printFile };
