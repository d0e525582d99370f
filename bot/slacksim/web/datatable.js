// The data_table block: each reader sorts it by a column, filters it and turns its pages. press makes a button of a cell work.
import { h } from './dom.js';
import { rich } from './richtext.js';

const text = c => (c.type === 'raw_number' ? String(c.text ?? c.value) : c.type === 'rich_text' ? h('div', {}, (c.elements || []).map(rich)).textContent : String(c.text ?? ''));

// order compares two rows by a column: by number where all of it are numbers, else by its letters.
function order(rows, column) {
  const numbers = rows.every(r => r[column].type === 'raw_number');
  return numbers ? (a, b) => a[column].value - b[column].value : (a, b) => text(a[column]).localeCompare(text(b[column]));
}

export function dataTable(block, press) {
  const [head = [], ...all] = block.rows || [];
  const size = block.page_size || 5, named = block.row_header_column_index ?? 0;
  const show = c => (c.type === 'rich_text' ? (c.elements || []).map(rich) : c.type === 'button' ? press(block, c) : text(c));
  let column = -1, down = false, page = 0, wanted = '';
  const body = h('tbody', {}), said = h('span', { role: 'status' });
  const turn = by => h('button', { type: 'button', onclick: () => { page += by; draw(); } }, by < 0 ? 'Previous' : 'Next');
  const before = turn(-1), after = turn(1);
  const search = h('input', { type: 'search', 'aria-label': 'Filter: ' + block.caption, placeholder: 'Filter', oninput: () => { wanted = search.value.trim().toLowerCase(); page = 0; draw(); } });
  const heads = head.map((c, i) => h('th', { scope: 'col' }, h('button', { type: 'button', onclick: () => {
    down = column === i && !down;
    column = i; page = 0;
    draw();
  } }, text(c), h('span', { class: 'sorted', 'aria-hidden': 'true' }))));
  function draw() {
    let rows = all.filter(r => !wanted || r.some(c => text(c).toLowerCase().includes(wanted)));
    if (column >= 0) rows = rows.slice().sort(order(all, column));
    if (down) rows.reverse();
    heads.forEach((th, i) => {
      th.querySelector('.sorted').textContent = i !== column ? '' : down ? ' ↓' : ' ↑';
      if (i === column) th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      else th.removeAttribute('aria-sort');
    });
    const first = page * size, shown = rows.slice(first, first + size);
    body.replaceChildren(...shown.map(r => h('tr', {}, r.map((c, i) => h(i === named ? 'th' : 'td', { scope: i === named ? 'row' : null }, show(c))))));
    said.textContent = rows.length ? `${first + 1} to ${first + shown.length} of ${rows.length}` : 'No row has that.';
    before.disabled = page === 0;
    after.disabled = first + size >= rows.length;
  }
  draw();
  return h('div', { class: 'data-table' }, all.length > size ? search : null,
    h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': block.caption },
      h('table', {}, h('caption', {}, block.caption), h('thead', {}, h('tr', {}, heads)), body)),
    all.length > size ? h('div', { class: 'turning' }, before, said, after) : null);
}
