/* page.js - each scenario's picture, messages and twins, made when it is opened. Data reaches the page as text only. */
'use strict';

const CHUNK = 300; /* rows made at a time, so that the page stays alive */

function el(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/* A <details> whose inside is made when it is first opened. */
function lazy(summary, make, properties = {}) {
  const node = el('details', {}, summary);
  const fill = () => {
    if (!node.open || node.dataset.made) return;
    node.dataset.made = 'yes';
    node.append(...make());
  };
  node.addEventListener('toggle', fill);
  Object.assign(node, properties);
  fill();
  return node;
}

/* JSON with its parts told apart by class. */
function pretty(value) {
  const node = el('pre', { className: 'json', tabIndex: 0 });
  const source = JSON.stringify(value, null, 2);
  const parts = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  let from = 0;
  for (const match of source.matchAll(parts)) {
    node.append(source.slice(from, match.index));
    const kind = match[2] ? 'key' : match[1] ? 'text' : 'value';
    node.append(el('span', { className: kind }, match[1] ?? match[0]), match[2] ?? '');
    from = match.index + match[0].length;
  }
  node.append(source.slice(from));
  return node;
}

function brief(value) {
  const line = typeof value === 'string' ? value : JSON.stringify(value);
  return line.length > 240 ? `${line.slice(0, 240)}…` : line;
}

/* ---- rows ---- */

/* The lanes of one row: an arrow or a dot, and the bar of the step in which it lies. */
function laneCell(model, row) {
  const cell = el('span', { className: 'lanes', ariaHidden: 'true' });
  const within = row.type === 'step' ? undefined : stepAt(model.steps, row.us);
  if (within) cell.append(el('i', { className: `bar ${within.step.verdict ?? ''}` }));
  if (row.path) {
    const [from, to] = row.path;
    const mark = el('i', { className: `${from === to ? 'dot' : from < to ? 'arrow right' : 'arrow left'} ${row.event ? familyOf(row.event) : row.process.alone ? 'fault' : 'process'}` });
    mark.style.setProperty('--from', Math.min(from, to));
    mark.style.setProperty('--span', Math.abs(to - from));
    cell.append(mark);
  }
  return cell;
}

function eventRow(model, row) {
  const [name, what, content] = wordsOf(row.event);
  const words = el('span', { className: 'words' }, el('b', { className: familyOf(row.event) }, name));
  const id = identityOf(row.event);
  if (id && !(model.names.size === 1 && model.names.has(id))) words.append(' ', el('span', { className: 'faint' }, model.names.get(id) ?? id));
  if (what) words.append(' ', el('span', {}, what));
  if (row.takenBy) words.append(' ', el('span', { className: 'tag' }, `✓ step ${row.takenBy.index}`));
  if (row.isNearest) words.append(' ', el('span', { className: 'tag nearest' }, '◎ nearest miss'));
  if (content !== undefined) words.append(' ', el('code', {}, brief(content)));
  const summary = el('summary', {}, el('time', {}, seconds(row.us)), laneCell(model, row), words);
  const item = el('li', { className: `event${row.isNearest ? ' nearest' : ''}` }, lazy(summary, () => [pretty(row.event)]));
  if (row.isNearest) item.append(...copyOf(model.article, '.differences'));
  model.made.set(row.number, item);
  return item;
}

/* The scenario's own markup again, where it belongs in time. */
function copyOf(article, selector) {
  const node = article.querySelector(`.why ${selector}`);
  return node ? [el('div', { className: 'copy' }, node.cloneNode(true))] : [];
}

function stepRow(model, row) {
  const verdict = row.step.verdict ?? 'skipped';
  const marks = { passed: '✓', failed: '✗', error: '!', skipped: '–' };
  return el('li', { className: `step ${verdict}` },
    el('time', {}, seconds(row.us)),
    el('span', { className: 'lanes' }, el('i', { className: `number ${verdict}`, ariaHidden: 'true' }, String(row.index))),
    el('span', { className: 'words' }, el('span', { className: `mark ${verdict}` }, `${marks[verdict] ?? ''} step ${row.index}`), ' ',
      ...(row.step.lane ? [el('span', { className: 'faint' }, `in lane ${row.step.lane}`), ' '] : []),
      el('code', {}, row.step.text), ' ', el('span', { className: 'faint' }, lasting(row.endUs - row.us))));
}

function runRow(model, row) {
  const [name] = wordsOf(row.event);
  const summary = el('summary', {}, el('time', {}, seconds(row.us)), laneCell(model, row),
    el('span', { className: 'words' }, el('b', { className: familyOf(row.event) }, `${row.rows.length} × ${name}`), ` within ${lasting(row.endUs - row.us)}`));
  const inside = el('ol', { className: row.rows.length > CHUNK ? 'inner long' : 'inner' });
  const node = lazy(summary, () => {
    addRows(model, inside, row.rows);
    return [inside];
  });
  for (const one of row.rows) model.made.set(one.number, node);
  return el('li', { className: 'run' }, node);
}

function makeRow(model, row) {
  switch (row.type) {
    case 'event': return eventRow(model, row);
    case 'step': return stepRow(model, row);
    case 'run': return runRow(model, row);
    case 'process':
      return el('li', { className: row.process.alone ? 'cursor alone' : 'cursor' }, el('time', {}, seconds(row.us)), laneCell(model, row),
        el('span', { className: 'words faint' }, `${row.process.agent === 'agent' ? 'the agent' : row.process.agent} has ${row.process.end ? `ended${row.process.alone ? ' by itself' : ''}: ${row.process.end}` : 'started'}`));
    case 'cursor':
      return el('li', { className: 'cursor' }, el('time', {}), laneCell(model, row), el('span', { className: 'words faint' }, `↓ it looks at what comes behind event #${row.number}`));
    case 'why':
      return el('li', { className: 'red' }, el('time', {}, seconds(row.us)), laneCell(model, row),
        el('span', { className: 'words' }, el('span', { className: 'mark failed' }, `✗ step ${row.step.index} is red here:`), ' ', model.failure.message ?? ''));
    case 'end':
      return el('li', { className: 'cursor' }, el('time', {}, seconds(row.us)), laneCell(model, row), el('span', { className: 'words faint' }, model.names.size ? 'the steps are over; what still runs is told to end' : 'the steps are over'));
    default:
      return el('li', { className: 'quiet' }, el('time', {}), laneCell(model, row), el('span', { className: 'words faint' }, `nothing for ${lasting(row.lasts)}`));
  }
}

/* Make rows, a chunk at a time. */
function addRows(model, list, rows, from = 0) {
  list.append(...rows.slice(from, from + CHUNK).map((row) => makeRow(model, row)));
  if (from + CHUNK < rows.length) setTimeout(() => addRows(model, list, rows, from + CHUNK));
}

/* Show the row of an event or step, opened. */
function show(model, row) {
  if (!row) return;
  let node = row.type === 'step' ? model.list.querySelectorAll(':scope > li.step')[row.index - 1] : model.made.get(row.number);
  for (let i = 0; i < 3 && node?.tagName === 'DETAILS'; i++) { /* a run or the set-up: open it, then look again */
    node.open = true;
    node.dispatchEvent(new Event('toggle'));
    node = model.made.get(row.number) ?? node;
  }
  if (!node) return;
  const details = node.querySelector?.(':scope > details');
  if (details) details.open = true;
  node.scrollIntoView({ block: 'center' });
  (details?.querySelector('summary') ?? node).focus?.({ preventScroll: true });
  node.classList.add('shown');
  setTimeout(() => node.classList.remove('shown'), 1500);
}

/* ---- a scenario ---- */

function draw(article) {
  const source = article.querySelector('script[type="application/json"]');
  if (!source || article.dataset.drawn) return;
  article.dataset.drawn = 'yes';
  const data = JSON.parse(source.textContent);
  const model = readModel(data);
  model.article = article;
  model.made = new Map();
  model.list = el('ol', { className: 'flow' });
  model.list.style.setProperty('--lanes', model.lanes.length);
  const strip = el('div', { className: 'strip' });
  const caption = el('p', { className: 'caption faint' }, 'point at the picture; a click opens what is there');
  const families = ['connection', 'twin', 'telemetry', 'service', 'fault'].filter((family) => model.events.some((row) => row.us >= 0 && familyOf(row.event) === family));
  const legend = el('p', { className: 'legend faint' }, ...families.map((family) => el('span', {}, el('i', { className: family, ariaHidden: 'true' }), family)));
  const head = el('div', { className: 'lane-heads', ariaHidden: 'true' }, el('time', {}, 's'),
    el('span', { className: 'lanes' }, ...model.lanes.map((lane) => el('span', { title: lane.title }, lane.name))), el('span', {}, 'what happened'));
  head.style.setProperty('--lanes', model.lanes.length);
  const parts = [el('h4', {}, 'What happened, in time'), strip, legend, caption];
  if (data.eventsLeftOff) parts.push(el('p', { className: 'note' }, `${data.eventsLeftOff} events are left off: the page would be too large. Run this scenario alone to see them.`));
  if (data.eventsBefore) parts.push(el('p', { className: 'note' }, `the first ${data.eventsBefore} events are left off`));
  if (model.setUp.length) {
    const inside = el('ol', { className: 'flow inner' });
    inside.style.setProperty('--lanes', model.lanes.length);
    const node = lazy(el('summary', {}, `Before the first step: ${model.setUp.length} events of setting up`), () => {
      addRows(model, inside, model.setUp);
      return [inside];
    }, { className: 'set-up' });
    for (const row of model.setUp) model.made.set(row.number, node);
    parts.push(node);
  }
  parts.push(head, model.list);
  if (model.rows.length > CHUNK) model.list.classList.add('long');
  const place = article.querySelector('.steps');
  place.replaceWith(el('section', { className: 'picture' }, ...parts), ...drawTwins(data));
  addRows(model, model.list, model.rows);
  for (const words of article.querySelectorAll('.output')) words.scrollTop = words.scrollHeight;
  drawStrip(strip, model, {
    pick: (row) => show(model, row),
    point: (row) => {
      if (!row) return;
      const words = row.type === 'step' ? [`step ${row.index}`, row.step.text] : wordsOf(row.event);
      caption.textContent = `${seconds(row.us)} s  ${words.map((word) => (word === undefined ? '' : brief(word))).join(' ')}`;
    },
  });
}

/* ---- the page ---- */

/* A click on a scenario of the list opens it, and so does an address that names one. */
function openNamed() {
  const article = /^#s\d+$/.test(location.hash) && document.querySelector(location.hash);
  const details = article && article.querySelector('details');
  if (!details) return;
  details.open = true;
  article.scrollIntoView();
}

for (const article of document.querySelectorAll('article')) {
  const details = article.querySelector('details');
  details.addEventListener('toggle', () => details.open && draw(article));
  /* Those that are open from the start are drawn when they come near, so that a hundred red ones do not wait for each other. */
  if (details.open) {
    const watch = new IntersectionObserver((seen) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      watch.disconnect();
      draw(article);
    }, { rootMargin: '800px' });
    watch.observe(article);
  }
}
const only = document.querySelectorAll('article > details');
if (only.length === 1) only[0].open = true;
addEventListener('hashchange', openNamed);
addEventListener('beforeprint', () => document.querySelectorAll('article > details[open]').forEach((details) => draw(details.parentElement)));
openNamed();
