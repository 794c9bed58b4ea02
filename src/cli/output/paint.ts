/** Colour, where the output is a terminal and nobody asked for none. */
import { styleText } from 'node:util';
import type { CliIo } from '../command.ts';

/** What a text means; the colours follow. */
export type Tone = 'good' | 'warning' | 'bad' | 'quiet' | 'strong';

/** Colours a text for where it goes; elsewhere the text stays as it is. */
export type Paint = (tone: Tone, text: string) => string;

const COLOURS = { good: 'green', warning: 'yellow', bad: 'red', quiet: 'dim', strong: 'bold' } as const;

/** Paint for stdout. https://no-color.org: any value that is not empty means none. */
export function paintFor({ isTty, env }: Pick<CliIo, 'isTty' | 'env'>): Paint {
  if (!isTty || env.NO_COLOR) return (_tone, text) => text;
  return (tone, text) => styleText(COLOURS[tone], text, { validateStream: false });
}
