// runner.js - `twinsim run` for tests: a scenario from an object, in a folder and a temporary directory of its own.
//
//   const r = await runScenario(t, { name: 'n', steps: [...] }, '--agent', 'false');
//   r.code, r.stdout, r.result (what --json says of it), r.left() (what stayed behind: folders, processes)
'use strict';
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Running, temporary } = require('./twinsim.js');

const LIMIT_MS = 60000;

/** Command lines of all processes that hold a text. */
function processesWith(text) {
  return fs.readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid).flatMap((pid) => {
    try {
      const line = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return line.includes(text) ? [`${pid} ${line}`] : [];
    } catch {
      return []; // gone meanwhile
    }
  });
}

/** A folder with a scenario in it, a TMPDIR of its own, and a text that marks its processes. */
function workshop(t, scenario) {
  const dir = temporary(t, 'twinsim-scenario-');
  const tmp = path.join(dir, 'tmp');
  const file = path.join(dir, 's.jsonc');
  fs.mkdirSync(tmp);
  fs.writeFileSync(file, typeof scenario === 'string' ? scenario : JSON.stringify(scenario, null, 1));
  const mark = `mark-${crypto.randomBytes(6).toString('hex')}`;
  return {
    dir, tmp, file, mark,
    env: { TMPDIR: tmp, CI: '', NO_COLOR: '1' },
    /** What stayed behind: folders of runs, and processes that carry the mark or work in one of the folders. */
    left: () => [...fs.readdirSync(tmp), ...processesWith(mark), ...processesWith(tmp)],
  };
}

async function finish(running, limit = LIMIT_MS) {
  const timer = setTimeout(() => running.process.kill('SIGKILL'), limit);
  const result = await running.ended;
  clearTimeout(timer);
  assert.doesNotMatch(result.stdout + result.stderr, /AddressSanitizer|LeakSanitizer|runtime error/, 'no sanitizer has anything to say');
  return result;
}

/** Run one scenario to its end. */
async function runScenario(t, scenario, ...args) {
  const shop = workshop(t, scenario);
  const json = path.join(shop.dir, 'out.json');
  const words = args.map((arg) => arg.replaceAll('MARK', shop.mark).replaceAll('@DIR', shop.dir));
  const done = await finish(new Running(['run', shop.file, '--json', json, ...words], { env: shop.env }));
  const report = fs.existsSync(json) ? JSON.parse(fs.readFileSync(json, 'utf8')) : undefined;
  return { ...shop, ...done, report, result: report?.scenarios[0] };
}

module.exports = { finish, processesWith, runScenario, workshop };
