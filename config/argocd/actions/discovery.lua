-- What can be done with a FlinkJob from Argo CD's pages. Each edits the resource, as a person would.
local suspended = obj.spec.state == "Suspended"
local phase = obj.status ~= nil and obj.status.phase or ""

return {
  ["suspend"] = { ["disabled"] = suspended },
  ["resume"] = { ["disabled"] = not suspended },
  ["savepoint"] = { ["disabled"] = phase ~= "Running" },
  ["restart"] = { ["disabled"] = suspended },
}
