// load.js - the vector files: read, held to their schema, rows of "each" and variables filled in. See ../vectors/README.md.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { validate } = require('../../support/json-schema.js');

const FOLDER = path.resolve(__dirname, '../vectors');
const schema = JSON.parse(fs.readFileSync(path.join(FOLDER, 'vector.schema.json'), 'utf8'));

/** A variable's value: anything, or {"repeat": [text, times]}, or {"join": [parts]} of such texts. */
function valueOf(spec, vars) {
  if (spec && Array.isArray(spec.repeat)) return fill(spec.repeat[0], vars).repeat(spec.repeat[1]);
  if (spec && Array.isArray(spec.join)) return spec.join.map((part) => valueOf(part, vars)).join('');
  if (spec && Array.isArray(spec.count)) return Array.from({ length: spec.count[1] }, (_, n) => fill(spec.count[0], { ...vars, n })).join(spec.count[2] ?? '');
  return fill(spec, vars);
}

/** Put variables into every text and every key: "${name}". A text that is nothing else becomes the value itself. */
function fill(node, vars) {
  if (typeof node === 'string') {
    const whole = /^\$\{(\w+)\}$/.exec(node);
    if (whole && whole[1] in vars) return vars[whole[1]];
    return node.replace(/\$\{(\w+)\}/g, (all, name) => (name in vars ? (typeof vars[name] === 'string' ? vars[name] : JSON.stringify(vars[name])) : all));
  }
  if (Array.isArray(node)) return node.map((one) => fill(one, vars));
  if (node && typeof node === 'object') return Object.fromEntries(Object.entries(node).map(([key, value]) => [fill(key, vars), fill(value, vars)]));
  return node;
}

function variables(specs, outer = {}) {
  const vars = { ...outer };
  for (const [name, spec] of Object.entries(specs ?? {})) vars[name] = valueOf(spec, vars);
  return vars;
}

/** "d/m{1..50}" stands for fifty names. */
function rangeOf(name) {
  const range = /^(.*)\{(\d+)\.\.(\d+)\}$/.exec(name);
  if (!range) return [name];
  return Array.from({ length: range[3] - range[2] + 1 }, (_, n) => range[1] + (Number(range[2]) + n));
}

function expand(file, raw) {
  const rows = raw.each ?? [{}];
  return rows.map((row, n) => {
    const vars = variables(row, variables(raw.vars, {}));
    const { each, vars: _, ...rest } = raw;
    const v = fill(rest, vars);
    v.firstOf = []; // where each step of the file begins among those that are played
    v.steps = v.steps.flatMap(({ times = 1, ...step }) => {
      v.firstOf.push((v.firstOf.at(-1) ?? 0) + (v.firstOf.length ? v.lastTimes : 0));
      v.lastTimes = times;
      return Array.from({ length: times }, () => step);
    });
    v.file = file;
    v.template = raw.name;
    v.row = raw.each ? n : undefined;
    v.runs ??= 'both';
    v.identities = Object.fromEntries(Object.entries(v.identities ?? { d: {} }).flatMap(([name, spec]) => rangeOf(name).map((one) => [one, spec])));
    v.online ??= {};
    return v;
  });
}

function filesIn(place) {
  if (!fs.statSync(place).isDirectory()) return [place];
  return fs.readdirSync(place).sort().flatMap((name) => {
    const at = path.join(place, name);
    if (fs.statSync(at).isDirectory()) return filesIn(at);
    return name.endsWith('.json') && !['vector.schema.json', 'unproved.json'].includes(name) ? [at] : [];
  });
}

/** One file, raw, and what is wrong with it. */
function readFile(file) {
  const document = JSON.parse(fs.readFileSync(file, 'utf8'));
  return { document, problems: validate(schema, document).map((problem) => `${path.relative(process.cwd(), file)}: ${problem}`) };
}

/** All vectors of those files and folders (default: all there are). Throws an Error that names every mistake. */
function load(places = [FOLDER]) {
  const problems = [];
  const names = new Map();
  const vectors = places.flatMap(filesIn).flatMap((file) => {
    const { document, problems: mine } = readFile(file);
    problems.push(...mine);
    if (mine.length) return [];
    return document.vectors.flatMap((raw) => expand(path.relative(FOLDER, file), raw));
  });
  for (const v of vectors) {
    if (names.has(v.name)) problems.push(`${v.file}: the name "${v.name}" stands in ${names.get(v.name)}, too`);
    names.set(v.name, v.file);
    if (v.name.length < 10) problems.push(`${v.file}: "${v.name}" is no sentence`);
    for (const fact of v.facts ?? []) if (!/^[A-Z]-\d\d$/.test(fact)) problems.push(`${v.file}: "${v.name}" cites ${fact}`);
    if (/\$\{\w+\}/.test(v.name)) problems.push(`${v.file}: the name "${v.name}" has a variable that nobody gave`);
  }
  if (problems.length) throw new Error(problems.join('\n'));
  return vectors;
}

module.exports = { FOLDER, load, readFile, filesIn };
