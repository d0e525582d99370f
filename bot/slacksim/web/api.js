// The control API of the simulator.

// call asks the control API: GET without a body, POST with one; a File is sent as it is. A refusal becomes an Error with the server's sentence.
export async function call(path, body) {
  const options = body === undefined ? {} : body instanceof Blob ? { method: 'POST', body } : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  let response;
  try { response = await fetch('/_sim/' + path, options); } catch { throw new Error('The simulator does not answer.'); }
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail || answer.error || response.statusText);
  return answer;
}

// query makes the part of an address after the question mark.
export function query(values) {
  return new URLSearchParams(Object.entries(values).filter(([, v]) => v !== '' && v !== undefined && v !== null));
}

// trouble is what Slack's client says when the app did not answer as it should.
export function trouble(code) {
  const sentences = { operation_timeout: 'The app did not answer in time', dispatch_failed: 'The app is not connected',
    invalid_command_response: 'The app answered with something Slack does not take', invalid_response: 'The app answered with something Slack does not take' };
  return sentences[code] ? `${sentences[code]} (${code}).` : code;
}
