// A file_input: the browser's own picker, which uploads what was picked, and the list of it.
import { announce, h, icon } from './dom.js';
import { call } from './api.js';

const known = new Map(); // id -> {id, name, size}
const picked = new Map(); // id -> what the browser's picker gave

// heldFiles notes the file objects of a state and answers their ids.
export function heldFiles(files) {
  for (const f of files || []) known.set(f.id, f);
  return (files || []).map(f => f.id);
}

export function sizeText(bytes) { return bytes < 1024 ? `${bytes} bytes` : bytes < 1048576 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`; }

const largest = 10 * 1048576;

// filefield makes the field for user. attributes belong to the picker.
export function filefield(element, held, attributes, user) {
  let ids = [...(held || [])];
  const most = element.max_files || 10;
  const types = (element.filetypes || []).map(t => String(t).replace(/^\./, '').toLowerCase());
  const picker = h('input', { ...attributes, type: 'file', multiple: most > 1, accept: types.length ? types.map(t => '.' + t).join(',') : null, onchange: () => add([...picker.files].filter(f => !ids.some(id => picked.get(id) === f))) });
  const list = h('ul', { class: 'files', 'aria-label': 'Files' });
  const wrong = h('p', { class: 'error', role: 'alert', hidden: true });
  const note = h('p', { class: 'hint' }, [types.length ? types.map(t => '.' + t).join(', ') : '', most === 1 ? 'one file' : `at most ${most} files`, '10 MB each'].filter(Boolean).join(' · '));
  const wrap = h('div', { class: 'file-field' }, picker, list, wrong, note);

  function refusal(file) {
    if (types.length && !types.includes(file.name.split('.').pop().toLowerCase())) return `${file.name} is not of a type that is taken here.`;
    if (file.size > largest) return `${file.name} is larger than 10 MB.`;
    if (!file.size) return `${file.name} is empty.`;
    return ids.length >= most ? (most === 1 ? 'Only one file may be added; take the other away first.' : `No more than ${most} files may be added.`) : '';
  }

  function say(text) { wrong.replaceChildren(...(text ? [icon('alert'), text] : [])); wrong.hidden = !text; }

  async function add(files) {
    say('');
    picker.setAttribute('aria-busy', 'true');
    for (const file of files) {
      const no = refusal(file);
      if (no) { say(no); break; }
      try {
        const made = await call('upload?' + new URLSearchParams({ user, name: file.name }), file);
        known.set(made.id, made);
        picked.set(made.id, file);
        ids.push(made.id);
        announce(file.name + ' added');
      } catch (problem) { say(problem.message); break; }
      draw();
    }
    agree();
    picker.removeAttribute('aria-busy');
  }

  // agree lets the picker say what the list says.
  function agree() {
    const all = new DataTransfer();
    for (const id of ids) if (picked.has(id)) all.items.add(picked.get(id));
    picker.files = all.files;
  }

  function draw() {
    list.hidden = !ids.length;
    list.replaceChildren(...ids.map(id => {
      const f = known.get(id) || { name: id, size: 0 };
      return h('li', {}, icon('file'), h('span', {}, f.name, h('small', {}, sizeText(f.size))),
        h('button', { type: 'button', class: 'plain', 'aria-label': 'Remove ' + f.name, onclick: () => { ids = ids.filter(i => i !== id); say(''); draw(); agree(); picker.focus(); } }, icon('close')));
    }));
  }
  draw();
  return { element: wrap, read: () => [...ids] };
}
