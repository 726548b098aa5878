// run-missed.test.js - a harness that was too slow to see everything says so: an error, never a verdict.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { finish, workshop } = require('../support/runner.js');
const { Running } = require('../support/twinsim.js');

const TINY = `node ${path.resolve(__dirname, '../support/tiny-agent.js')}`;
const COUNT = 20000;

/** The worker: the child of the runner that carries its command line. */
function workerOf(pid) {
  const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  return children.find((child) => child > 0);
}

function exists(file) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${file} did not come`)), 30000);
    const look = setInterval(() => {
      if (!fs.existsSync(file)) return;
      clearTimeout(timer);
      clearInterval(look);
      resolve();
    }, 20);
  });
}

async function runPaused(t, step) {
  const shop = workshop(t, { name: 'a flood', agent: { as: 'edge-1/m' }, steps: [{ log: 'connected' }, { exec: ['touch', '${dir}/begun'] }, step] });
  const sent = path.join(shop.dir, 'sent');
  const json = path.join(shop.dir, 'out.json');
  const running = new Running(['run', shop.file, '--json', json, '--agent', `sh -c 'echo connected; while [ ! -e ${shop.dir}/go ]; do sleep 0.05; done; exec ${TINY} telemetry ${COUNT} 10 ${sent}'`], { env: shop.env });
  await exists(path.join(shop.dir, 'begun'));
  const worker = workerOf(running.process.pid);
  process.kill(worker, 'SIGSTOP'); // nobody reads the event stream now
  fs.writeFileSync(path.join(shop.dir, 'go'), '');
  await exists(sent);
  process.kill(worker, 'SIGCONT');
  const done = await finish(running);
  return { ...done, result: JSON.parse(fs.readFileSync(json)).scenarios[0] };
}

test('missed events make an error of what would have failed', async (t) => {
  const { code, stdout, result } = await runPaused(t, { expect: 'reported', within: '10s' });
  assert.equal(code, 1, stdout);
  assert.equal(result.verdict, 'error');
  assert.match(stdout, /the harness was too slow: \d+ events missed|closed the event stream/);
  assert.doesNotMatch(stdout, /FAILED|PASSED/);
});

test('missed events make an error of what would have passed', async (t) => {
  const { code, stdout, result } = await runPaused(t, { never: 'reported', for: '3s' });
  assert.equal(code, 1, stdout);
  assert.equal(result.verdict, 'error');
  assert.match(stdout, /the harness was too slow: \d+ events missed|closed the event stream/);
});
