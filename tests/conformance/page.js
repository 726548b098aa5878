// page.js - docs/reference/sdk-compatibility.md, made of cases.json and results/; and whether all of that belongs together.
//
//   node page.js            writes the page
//   node page.js --check    prints a line for everything stale (file:line: what; what to do); needs no SDK
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { HERE, areas, cases, fingerprint, kindsOf, pinsOf } = require('./lib/list.js');

const ROOT = path.join(HERE, '../..');
const PAGE = 'docs/reference/sdk-compatibility.md';
const LIST = 'tests/conformance/cases.json';
const read = (file) => JSON.parse(fs.readFileSync(path.join(HERE, file), 'utf8'));
const has = (file) => fs.existsSync(path.join(HERE, file));

const languages = Object.entries(read('languages.json')).map(([name, about]) => ({ name, ...about, result: has(`results/${name}.json`) ? read(`results/${name}.json`) : undefined }));
const judges = languages.filter((l) => l.result);

const HEADINGS = {
  connect: 'Coming in', token: 'Tokens', reconnect: 'Lost connections', twin: 'Twins', desired: 'Desired changes', method: 'Direct methods', telemetry: 'Telemetry', message: 'Cloud-to-device messages',
};

function page() {
  const lines = ['# SDK compatibility', '', '<!-- Made by scripts/conformance from tests/conformance/cases.json and tests/conformance/results. Do not edit. -->', '',
    'Device SDKs, unmodified, as they come from their registries, and for Go a plain MQTT library, in front of this hub. Each row below is a case of', '[the list](../../tests/conformance/README.md) that runs in `./scripts/test conformance`.', '',
    '| SDK | runtime | cases passed | not possible with it |', '|---|---|---|---|'];
  for (const { name, title, result } of languages) {
    if (!result) lines.push(`| ${title}: not judged yet | | | |`);
    else lines.push(`| ${title}: ${result.sdk} | ${result.runtime} | ${cases.filter((c) => !c.not?.[name]).length} | ${cases.filter((c) => c.not?.[name]).length} |`);
  }
  for (const { title, note } of languages.filter((l) => l.note)) lines.push('', `${title}: ${note}.`);
  lines.push('', '✓ passes; d, m: where a case is for devices or for modules alone. A number leads to the reason why the SDK cannot do it.');
  const reasons = [];
  for (const area of areas) {
    lines.push('', `## ${HEADINGS[area] ?? area}`, '', `| what | facts | ${judges.map((l) => l.title).join(' | ')} |`, `|---|---|${judges.map(() => '---|').join('')}`);
    for (const entry of cases.filter((c) => c.area === area)) {
      const cells = judges.map(({ name, title }) => {
        const why = entry.not?.[name];
        if (!why) return `✓${entry.clients === 'both' ? '' : ` ${entry.clients[0]}`}`;
        const reason = `${title}: ${why}`;
        if (!reasons.includes(reason)) reasons.push(reason);
        return `(${reasons.indexOf(reason) + 1})`;
      });
      lines.push(`| ${entry.title.replaceAll('|', '\\|')} | ${entry.facts.join(' ')} | ${cells.join(' | ')} |`);
    }
  }
  if (reasons.length) lines.push('', '## Why not', '', ...reasons.map((reason, i) => `${i + 1}. ${reason}`));
  return `${lines.join('\n')}\n`;
}

function findings() {
  const found = [];
  const text = fs.readFileSync(path.join(HERE, 'cases.json'), 'utf8').split('\n');
  const at = (id) => `${LIST}:${text.findIndex((line) => line.includes(`"id":"${id}"`)) + 1}`;
  for (const { name, result } of languages) {
    const file = `tests/conformance/results/${name}.json`;
    if (!result) {
      if (has(`${name}/driver.json`)) found.push(`tests/conformance/${name}/driver.json:1: there is no ${file}; run scripts/conformance ${name}`);
      continue;
    }
    if (result.pins !== pinsOf(name)) found.push(`${file}:1: is of other pins than tests/conformance/${name} has now; run scripts/conformance ${name}`);
    for (const entry of cases.filter((c) => !c.not?.[name])) {
      const told = result.cases[entry.id];
      if (!told || told.of !== fingerprint(entry) || !kindsOf(entry).every((kind) => told[kind] === 'passed')) found.push(`${at(entry.id)}: ${file} does not say that ${entry.id}, as it reads now, passes; run scripts/conformance ${name}`);
    }
    for (const id of Object.keys(result.cases)) if (!cases.some((c) => c.id === id && !c.not?.[name])) found.push(`${file}:1: speaks of ${id}, which ${LIST} does not have for ${name}; run scripts/conformance ${name}`);
  }
  for (const { id, not } of cases) if (judges.length > 0 && judges.every(({ name }) => not?.[name])) found.push(`${at(id)}: no SDK can do ${id}; remove it`);
  const is = fs.existsSync(path.join(ROOT, PAGE)) ? fs.readFileSync(path.join(ROOT, PAGE), 'utf8') : '';
  if (is !== page()) found.push(`${PAGE}:1: is not what ${LIST} and its results make; run scripts/conformance --page`);
  return found;
}

if (process.argv[2] === '--check') process.stdout.write(findings().map((line) => `${line}\n`).join(''));
else fs.writeFileSync(path.join(ROOT, PAGE), page());
