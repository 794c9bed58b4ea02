/** Bytes that come in pieces of any size, as lines. A piece may end inside a character. */
const LINE_FEED = 0x0a;

/** Whole lines without their ends, empty ones left out. What follows the last line end is kept for the next piece. */
export class LineSplitter {
  private rest: Buffer[] = [];

  /** The lines that this piece completes. */
  push(piece: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, start)) {
      const line = Buffer.concat([...this.rest, piece.subarray(start, end)]).toString('utf8');
      this.rest = [];
      if (line.trim() !== '') lines.push(line);
      start = end + 1;
    }
    if (start < piece.length) this.rest.push(piece.subarray(start));
    return lines;
  }
}
