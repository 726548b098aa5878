/* twins.js - twins before and after: what was added, removed and changed, and the rest folded away. */
'use strict';

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const text = (value) => JSON.stringify(value, null, 2);
const same = (a, b) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

/* What a person reads of a twin; metadata and times are noise here and stand in the whole twin. */
function readable(twin) {
  const strip = (section) => {
    if (!isObject(section)) return section;
    const { $metadata, ...rest } = section;
    return rest;
  };
  return twin && (twin.cut ? twin : { tags: twin.tags ?? {}, desired: strip(twin.properties?.desired), reported: strip(twin.properties?.reported) });
}

/* Lines of a comparison: {sign: ' '|'+'|'-', depth, text} or {fold: n, depth}. Counts differences in `count`. */
function compare(before, after, count, depth = 0, key = '') {
  const name = key && `${JSON.stringify(key)}: `;
  if (before === undefined || after === undefined || !isObject(before) || !isObject(after)) {
    const lines = (sign, value) => (value === undefined ? [] : text(value).split('\n').map((line, i) => ({ sign, depth, text: (i ? '' : name) + line })));
    if (before !== undefined && after !== undefined && same(before, after)) return lines(' ', after);
    if (!key.startsWith('$')) count.n++; /* a version follows from the rest */
    return [...lines('-', before), ...lines('+', after)];
  }
  const keys = [...Object.keys(before), ...Object.keys(after).filter((one) => !(one in before))];
  const lines = [{ sign: ' ', depth, text: `${name}{` }];
  let folded = 0;
  const fold = () => {
    if (folded) lines.push({ fold: folded, depth: depth + 1 });
    folded = 0;
  };
  for (const one of keys) {
    const b = Object.hasOwn(before, one) ? before[one] : undefined;
    const a = Object.hasOwn(after, one) ? after[one] : undefined;
    if (a !== undefined && b !== undefined && same(a, b)) {
      folded++;
    } else {
      fold();
      lines.push(...compare(b, a, count, depth + 1, one));
    }
  }
  fold();
  lines.push({ sign: ' ', depth, text: '}' });
  return lines;
}

/* One twin as a block that opens. */
function drawTwin(id, both, isAgent) {
  const count = { n: 0 };
  const lines = compare(readable(both.before) ?? {}, readable(both.after) ?? {}, count);
  const how = !both.before ? 'made meanwhile' : !both.after ? 'not readable afterwards' : count.n ? `${count.n} difference${count.n === 1 ? '' : 's'}` : 'unchanged';
  const body = el('pre', { className: 'diff', tabIndex: 0 });
  for (const line of lines) {
    const pad = '  '.repeat(line.depth);
    if (line.fold) body.append(el('span', { className: 'fold' }, `  ${pad}… ${line.fold} unchanged`), '\n');
    else body.append(el(line.sign === '+' ? 'ins' : line.sign === '-' ? 'del' : 'span', {}, `${line.sign} ${pad}${line.text}`), '\n');
  }
  const whole = (name, twin) => twin && lazy(el('summary', {}, name), () => [pretty(twin)]);
  return el('details', { className: 'twin', open: count.n > 0 && isAgent },
    el('summary', {}, el('span', { className: 'name' }, id), ' ', el('span', { className: count.n ? 'tag changed' : 'faint' }, how)),
    body, ...[whole('the whole twin before', both.before), whole('the whole twin after', both.after)].filter(Boolean));
}

/* All twins: those that changed first. */
function drawTwins(data) {
  const names = namesOf(data);
  const blocks = Object.entries(data.twins ?? {}).map(([id, both]) => drawTwin(id, both, names.has(id)));
  if (!blocks.length) return [];
  return [el('section', { className: 'twins' }, el('h4', {}, 'Twins, before and after'), ...blocks)];
}
