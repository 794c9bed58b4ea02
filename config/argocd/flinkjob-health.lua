-- Health of a FlinkJob, as Argo CD asks for it: what the operator has not yet looked at goes on, whatever its status says.
local health = { status = "Progressing", message = "Waiting for the operator" }

local status = obj.status
if status == nil or status.observedGeneration == nil then
  return health
end
if status.observedGeneration ~= obj.metadata.generation then
  health.message = "Waiting for the operator to look at generation " .. tostring(obj.metadata.generation)
  return health
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready = conditions["Ready"]
local stalled = conditions["Stalled"]

if obj.spec.state == "Suspended" and status.phase == "Suspended" then
  health.status = "Suspended"
  health.message = "Suspended as asked"
elseif stalled ~= nil and stalled.status == "True" then
  health.status = "Degraded"
  health.message = stalled.message
elseif ready ~= nil and ready.status == "True" then
  health.status = "Healthy"
  health.message = ready.message
elseif ready ~= nil then
  health.message = ready.message
end
return health
