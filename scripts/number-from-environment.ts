/** The number that an environment variable holds, above 0; ends the program with one line where it is none. */
export function numberFromEnvironment(name: string, otherwise: number): number {
  const text = process.env[name];
  const value = text === undefined || text === '' ? otherwise : Number(text);
  if (value > 0) return value;
  console.error(`error: ${name} is "${text}"; it is a number above 0`);
  process.exit(2);
}
