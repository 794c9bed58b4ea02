/** What can go wrong with what a watch tells: it is kept back, or the stream ends as no stream should. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestInfo } from './request-info.ts';
import { type Fault, fits, type Target } from './rules.ts';

interface Hold {
  readonly target: Target;
  readonly waiting: (() => void)[];
}

/** Events that are kept back for a while, in their order. */
export class HeldEvents {
  #holds: Hold[] = [];

  /** Until the result is called. */
  hold(target: Target): () => void {
    const hold = { target, waiting: [] };
    this.#holds.push(hold);
    return () => this.#letGo(hold);
  }

  /** Nothing is kept back any more. */
  letGo(): void {
    for (const hold of this.#holds) this.#letGo(hold);
  }

  tellWhenFree(record: RequestInfo & { readonly identity: string }, tell: () => void): void {
    const hold = this.#holds.find(({ target }) => fits(target, record));
    if (hold === undefined) tell();
    else hold.waiting.push(tell);
  }

  #letGo(hold: Hold): void {
    this.#holds = this.#holds.filter((each) => each !== hold);
    for (const tell of hold.waiting.splice(0)) tell();
  }
}

/** Passes on so many lines, and then does what the rule says. */
export async function spoilWatch(
  incoming: IncomingMessage,
  { call, answer }: { readonly call: IncomingMessage; readonly answer: ServerResponse },
  fault: Extract<Fault, { do: 'watch' }>,
): Promise<void> {
  let rest = '';
  let lines = 0;
  const spoil = (next: string): boolean => {
    if (lines < fault.afterLines) return false;
    if (fault.ending === 'end') answer.end();
    else if (fault.ending === 'reset') call.socket.destroy();
    else if (fault.ending === 'resetInLine')
      answer.write(next.slice(0, Math.ceil(next.length / 2)), () => call.socket.destroy());
    else if (fault.ending !== 'silence') answer.write(`${fault.ending.line}\n`);
    return true;
  };
  // With `resetInLine` there has to be a line to break in.
  if (fault.ending !== 'resetInLine' && spoil('')) return;
  try {
    for await (const chunk of incoming) {
      rest += String(chunk);
      for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
        const line = rest.slice(0, end + 1);
        rest = rest.slice(end + 1);
        if (fault.ending === 'resetInLine' && spoil(line)) return;
        answer.write(line);
        lines += 1;
        if (fault.ending !== 'resetInLine' && spoil('')) return;
      }
    }
    answer.end();
  } catch {
    // The client has gone, or the server: either way this watch is over.
    call.socket.destroy();
  }
}
