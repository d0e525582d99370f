// Small helpers to build the page without HTML strings, so that no text can become markup.

// h makes an element. Attributes: class, dataset and on* handlers are understood; false, null and undefined are left out.
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'dataset') Object.assign(element.dataset, value);
    else if (key === 'class') element.className = value;
    else if (value === true) element.setAttribute(key, '');
    else element.setAttribute(key, value);
  }
  element.append(...children.flat(Infinity).filter(c => c !== null && c !== undefined && c !== false));
  return element;
}

let last = 0;

// newID returns an id that is unique in the page, to tie labels to fields.
export function newID() { return 'e' + (++last); }

// call asks the control API. It returns the decoded answer; a refusal becomes an Error with the server's sentence.
export async function call(path, body) {
  const options = body === undefined ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch('/_sim/' + path, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail || answer.error || response.statusText);
  return answer;
}

// closeDialog closes a dialog. It gives the focus back by itself, but key strokes do not always follow; taking the focus
// anew makes them.
export function closeDialog(dialog) {
  dialog.close();
  const at = document.activeElement;
  if (at) { at.blur(); at.focus(); }
}
