/** The module of `Pool` alone has no types of its own: they are those of the package's index. */
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';

  export = Pool;
}
