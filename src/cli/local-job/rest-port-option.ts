import { InvalidArgumentError, Option } from 'commander';

/** `--rest-port`: where the job serves its REST API. Shared by what runs a job. */
export function restPortOption(description: string): Option {
  return new Option('--rest-port <port>', description).argParser((text: string) => {
    if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return text;
    throw new InvalidArgumentError('Write a number from 0 to 65535.');
  });
}
