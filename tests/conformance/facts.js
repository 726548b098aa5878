#!/usr/bin/env node
// facts.js - facts x vectors, and the page of known differences. scripts/facts calls it; see there.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { load, FOLDER } = require('./runner/load.js');

const ROOT = path.resolve(__dirname, '../..');
const PAGE = 'docs/known-differences.md';
const ROWS = 'docs/differences.json';
const REASONS = 'tests/conformance/vectors/unproved.json';
const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const NEEDS_VECTOR = /^[MTAQL]-/;

/** id -> {claim, sure, state, line} */
function readFacts() {
  const facts = new Map();
  read('docs/facts.md').split('\n').forEach((text, n) => {
    const [, id, claim, , sure, state] = text.split(/(?<!\\)\|/).map((cell) => cell.trim());
    if (/^[A-Z]-\d\d$/.test(id ?? '')) facts.set(id, { claim, sure, state, line: n + 1 });
  });
  return facts;
}

/** How many files of tests name each fact, the vectors themselves left out. */
function testsOf(facts) {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', 'tests/*.c', 'tests/*.js', 'tests/*.json', 'fixtures/scenarios/*'], { cwd: ROOT, encoding: 'utf8' })
    .split('\n').filter((file) => file && !file.startsWith('tests/conformance/vectors/') && fs.existsSync(path.join(ROOT, file)));
  const counts = new Map([...facts.keys()].map((id) => [id, 0]));
  for (const file of files) for (const id of new Set(read(file).match(/\b[A-Z]-\d\d\b/g) ?? [])) if (counts.has(id)) counts.set(id, counts.get(id) + 1);
  return counts;
}

function gather() {
  const vectors = load();
  const facts = readFacts();
  const rows = JSON.parse(read(ROWS));
  const { reasons } = JSON.parse(read(REASONS));
  const of = (field, id) => vectors.filter((v) => v[field]?.includes(id));
  return { vectors, facts, rows, reasons, of };
}

/** What is wrong, one line each: file:line: what; what to do. */
function problems({ vectors, facts, rows, reasons, of }) {
  const found = [];
  const ids = [...rows.uncertain, ...rows['on-purpose']].map((row) => row.id);
  const lineOf = (file, text) => read(file).split('\n').findIndex((line) => line.includes(text)) + 1;
  for (const v of vectors) {
    const at = `tests/conformance/vectors/${v.file}:${Math.max(1, lineOf(`tests/conformance/vectors/${v.file}`, v.template))}`;
    for (const id of v.facts ?? []) if (!facts.has(id)) found.push(`${at}: cites fact ${id}, which docs/facts.md does not have; add it there with its source, or mend the number`);
    for (const id of v.shows ?? []) if (!ids.includes(id)) found.push(`${at}: shows ${id}, which ${ROWS} does not have; add a row there, or mend the name`);
  }
  for (const id of ids.filter((one, n) => ids.indexOf(one) !== n)) found.push(`${ROWS}:${lineOf(ROWS, `"${id}"`)}: ${id} stands twice; give one another id`);
  for (const [id, fact] of facts) {
    if (!NEEDS_VECTOR.test(id)) continue;
    const n = of('facts', id).length;
    if (n === 0 && !reasons[id] && fact.state !== 'later') found.push(`docs/facts.md:${fact.line}: no vector proves ${id}; write one (tests/conformance/vectors/README.md), or say in ${REASONS} why there is none`);
    if (n > 0 && reasons[id]) found.push(`${REASONS}:${lineOf(REASONS, `"${id}"`)}: ${n} vectors prove ${id}; take the reason out`);
  }
  for (const id of Object.keys(reasons)) if (!facts.has(id)) found.push(`${REASONS}:${lineOf(REASONS, `"${id}"`)}: there is no fact ${id}; take it out`);
  return found;
}

/* --- the page --- */

/** How sure we are: what docs/facts.md says of the facts a row names. */
function sureness(row, facts) {
  if (row.sure) return row.sure;
  const ids = [...new Set(`${row.point} ${row.known} ${row.ours}`.match(/\b[A-Z]-\d\d\b/g) ?? [])].filter((id) => facts.has(id));
  return ids.length ? ids.map((id) => `${id}: ${facts.get(id).sure}`).join('; ') : 'not known';
}

/** Where it is shown: the files of the vectors, and how many in each. */
function shownBy(id, of) {
  const counts = new Map();
  for (const v of of('shows', id)) counts.set(v.file, (counts.get(v.file) ?? 0) + 1);
  return [...counts].map(([file, n]) => `[${file.replace(/\.json$/, '')}](../tests/conformance/vectors/${file})${n > 1 ? ` (${n})` : ''}`).join(', ');
}

function page({ facts, rows, of }) {
  const uncertain = rows.uncertain.map((row) => `| ${row.point} | ${row.known} | ${sureness(row, facts)} | ${row.ours} | ${shownBy(row.id, of)} |`);
  const purpose = rows['on-purpose'].map((row) => `| ${row.what} | ${row.why} | ${shownBy(row.id, of)} |`);
  return `# Known differences

<!-- Made by scripts/facts --write from ${ROWS}, docs/facts.md and tests/conformance/vectors; changes here are lost. -->

Where the real hub's behaviour is not known for sure, or where we differ on purpose, and what we chose. A row leaves this page when somebody
measures the real service and makes it a [fact](facts.md). The last column names the [vectors](../tests/conformance/vectors/README.md) that show what we do,
byte for byte.

## Uncertain points, and our choice

| point | what is known | how sure that is | what we do | shown by |
|---|---|---|---|---|
${uncertain.join('\n')}

## Different on purpose

| what | why | shown by |
|---|---|---|
${purpose.join('\n')}
`;
}

/* --- the table --- */

function table({ vectors, facts, reasons, of }) {
  const tests = testsOf(facts);
  const lines = ['fact   both  wire  tests'];
  for (const [id, fact] of facts) {
    const mine = of('facts', id);
    const both = mine.filter((v) => v.runs === 'both').length;
    const reason = reasons[id] ?? (fact.state === 'later' && NEEDS_VECTOR.test(id) && mine.length === 0 ? 'later' : undefined);
    const note = reason ? `  (${reason})` : '';
    lines.push(`${id}  ${String(both || '-').padStart(5)} ${String(mine.length - both || '-').padStart(5)} ${String(tests.get(id) || '-').padStart(6)}   ${fact.claim.slice(0, 100)}${fact.claim.length > 100 ? '…' : ''}${note}`);
  }
  const proved = [...facts.keys()].filter((id) => NEEDS_VECTOR.test(id) && of('facts', id).length).length;
  const wanted = [...facts.keys()].filter((id) => NEEDS_VECTOR.test(id)).length;
  const both = vectors.filter((v) => v.runs === 'both').length;
  lines.push(`${vectors.length} vectors, ${both} of them in memory and over the wire; of ${wanted} items of M, T, A, Q and L they prove ${proved}; ${wanted - proved} have none, and a reason`);
  return lines.join('\n');
}

function main(argument) {
  let all;
  try {
    all = gather();
  } catch (error) {
    process.stdout.write(`tests/conformance/vectors:1: ${error.message}\n`);
    return 1;
  }
  const found = problems(all);
  if (argument === '--write') {
    fs.writeFileSync(path.join(ROOT, PAGE), page(all));
  } else if (read(PAGE) !== page(all)) {
    found.push(`${PAGE}:1: is not what ${ROWS}, the facts and the vectors say; run scripts/facts --write`);
  }
  if (argument !== '--check') process.stdout.write(`${table(all)}\n`);
  if (found.length) process.stdout.write(`${found.join('\n')}\n`);
  return found.length ? 1 : 0;
}

process.exitCode = main(process.argv[2]);
