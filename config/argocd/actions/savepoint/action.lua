-- A number greater than the one that was handled asks once. One that somebody wrote meanwhile is not taken back.
local handled = obj.status ~= nil and obj.status.handledTriggers or nil
obj.spec.triggers = obj.spec.triggers or {}
obj.spec.triggers.savepoint = math.max(obj.spec.triggers.savepoint or 0, handled ~= nil and handled.savepoint or 0) + 1
return obj
