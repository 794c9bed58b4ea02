/** Runs a script as Argo CD does: the resource is the global `obj`, the script returns a table. */
import { lauxlib, lua, lualib, to_luastring } from 'fengari';

export type LuaValue = string | number | boolean | null | readonly LuaValue[] | { readonly [key: string]: LuaValue };

type State = ReturnType<typeof lauxlib.luaL_newstate>;

/** What the script returns; tables as objects. Throws with what Lua says of a script that fails. */
export function runScript(script: string, obj: LuaValue): LuaValue {
  const state = lauxlib.luaL_newstate();
  lualib.luaL_openlibs(state);
  push(state, obj);
  lua.lua_setglobal(state, to_luastring('obj'));
  if (lauxlib.luaL_dostring(state, to_luastring(script)) !== 0) throw new Error(lua.lua_tojsstring(state, -1));
  return valueAt(state, lua.lua_gettop(state));
}

function push(state: State, value: LuaValue): void {
  if (value === null) lua.lua_pushnil(state);
  else if (typeof value === 'boolean') lua.lua_pushboolean(state, value);
  else if (typeof value === 'string') lua.lua_pushstring(state, to_luastring(value));
  else if (typeof value === 'number') pushNumber(state, value);
  else {
    lua.lua_newtable(state);
    for (const [key, field] of Object.entries(value)) {
      if (Array.isArray(value)) lua.lua_pushinteger(state, Number(key) + 1);
      else lua.lua_pushstring(state, to_luastring(key));
      push(state, field);
      lua.lua_settable(state, -3);
    }
  }
}

function pushNumber(state: State, value: number): void {
  if (Number.isInteger(value)) lua.lua_pushinteger(state, value);
  else lua.lua_pushnumber(state, value);
}

function valueAt(state: State, index: number): LuaValue {
  const type = lua.lua_type(state, index);
  if (type === lua.LUA_TNIL) return null;
  if (type === lua.LUA_TBOOLEAN) return lua.lua_toboolean(state, index);
  if (type === lua.LUA_TNUMBER) return lua.lua_tonumber(state, index);
  if (type === lua.LUA_TSTRING) return lua.lua_tojsstring(state, index);
  const table: Record<string, LuaValue> = {};
  lua.lua_pushnil(state);
  while (lua.lua_next(state, index) !== 0) {
    const top = lua.lua_gettop(state);
    table[String(valueAt(state, top - 1))] = valueAt(state, top);
    lua.lua_pop(state, 1);
  }
  return table;
}
