// What a person does with the elements of messages and of the Home tab.
import { call, trouble } from './api.js';
import { store } from './store.js';

// clickIn makes the use function of a message's blocks.
export function clickIn(channel, ts) {
  return (block, element, value) => outcome(call('click', { user: store.me, channel, message_ts: ts, block_id: block.block_id, action_id: element.action_id, value: value ?? null }));
}

// outcome resolves to what the person is told: '' when all is well.
export async function outcome(work) {
  try {
    const result = await work;
    return result.error ? trouble(result.error) : '';
  } catch (problem) { return problem.message; }
}
