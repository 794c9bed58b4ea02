/** What is used of fengari, which brings no types: a Lua in JavaScript, with Lua's own C API. */
declare module 'fengari' {
  type State = object;
  type Text = Uint8Array;
  export const lua: {
    lua_newtable(state: State): void;
    lua_pushboolean(state: State, value: boolean): void;
    lua_pushinteger(state: State, value: number): void;
    lua_pushnumber(state: State, value: number): void;
    lua_pushstring(state: State, value: Text): void;
    lua_pushnil(state: State): void;
    lua_settable(state: State, index: number): void;
    lua_setglobal(state: State, name: Text): void;
    lua_next(state: State, index: number): number;
    lua_pop(state: State, count: number): void;
    lua_type(state: State, index: number): number;
    lua_toboolean(state: State, index: number): boolean;
    lua_tonumber(state: State, index: number): number;
    lua_tojsstring(state: State, index: number): string;
    lua_gettop(state: State): number;
    readonly LUA_TNIL: number;
    readonly LUA_TBOOLEAN: number;
    readonly LUA_TNUMBER: number;
    readonly LUA_TSTRING: number;
  };
  export const lauxlib: {
    luaL_newstate(): State;
    luaL_dostring(state: State, text: Text): number;
  };
  export const lualib: { luaL_openlibs(state: State): void };
  export function to_luastring(text: string): Text;
}
