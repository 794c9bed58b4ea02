import { Option } from 'commander';

/** `-o`: how a result is written. The first form is the default. */
export function outputOption(formats: readonly string[]): Option {
  const [first = 'text'] = formats;
  return new Option('-o, --output <format>', 'how the result is written').choices([...formats]).default(first);
}
