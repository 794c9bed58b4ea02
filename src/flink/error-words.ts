/** What an error that Flink's API sends says to a person: its messages, without classes and places in a source. Pure. */
import type { SerializedThrowable } from './job-shapes.ts';

/**
 * The messages of the chain, outermost first, each once; the code at the end, where there is one. A class without a message
 * stays: it is all there is.
 */
export function inWords({ 'stack-trace': trace, code }: SerializedThrowable): string {
  const said: string[] = [];
  for (const link of trace.split(/(?:^|\n)\s*Caused by: /)) {
    const message = messageIn(link);
    if (message !== '' && !said.some((before) => before.includes(message))) said.push(message);
  }
  const words = said.map((message) => message.replace(/\.$/, '')).join(': ');
  return code === undefined || SAYS_WHY.test(words) ? words : `${words} (${code})`;
}

/** A reason at the end is as good as a code. */
const SAYS_WHY = /\([A-Z]+(?:_[A-Z]+)+\)$/;

/** Java's wrappers begin with the class of what they wrap. */
const CLASSES = /^(?:[\w$]+\.)*[A-Z][\w$]*: (?:(?:[\w$]+\.)+[A-Z][\w$]*: )*/;

/** All before the first line that names a place. */
function messageIn(link: string): string {
  const [text = ''] = link.split(/\n\s*(?:at |\.\.\. \d+ )/, 1);
  return text.replace(CLASSES, '').trim();
}
