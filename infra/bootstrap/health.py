"""How Argo CD tells whether an object is healthy, in Lua, for kinds of which it does not know that itself."""

APPLICATION = """\
-- Without it Argo CD takes every child application for healthy at once, and sync waves do not wait for each other.
local health = { status = "Progressing", message = "not compared yet" }
if obj.status == nil or obj.status.health == nil or obj.status.health.status == nil then
  return health
end
health.status = obj.status.health.status
health.message = obj.status.health.message or ""
return health
"""

SELDON_DEPLOYMENT = """\
local health = { status = "Progressing", message = "waiting for the Seldon operator" }
local status = obj.status
if status == nil or status.state == nil then
  return health
end
if status.state == "Failed" then
  return { status = "Degraded", message = status.description or "the Seldon operator reports a failure" }
end
if status.state ~= "Available" then
  health.message = "state " .. status.state
  return health
end
-- The status has no observedGeneration: it may be that of an earlier specification. So each predictor that is wanted
-- must be in it by the name of its service.
local reported = status.serviceStatus or {}
for _, predictor in ipairs(obj.spec.predictors) do
  local service = obj.metadata.name .. "-" .. predictor.name
  if predictor.annotations ~= nil and predictor.annotations["seldon.io/svc-name"] ~= nil then
    service = predictor.annotations["seldon.io/svc-name"]
  end
  if reported[service] == nil then
    health.message = "predictor " .. predictor.name .. " is not reported yet"
    return health
  end
end
return { status = "Healthy", message = "Available" }
"""

HTTP_ROUTE = """\
-- As Argo CD's own check, but a route is healthy once the gateway has taken it, though a Service is still to come: it
-- is applied before the SeldonDeployment that makes that Service, and whose health says whether it is there.
local waiting = { status = "Progressing", message = "waiting for the gateway" }
local parents = (obj.status or {}).parents or {}
if #parents == 0 then
  return waiting
end
for _, parent in ipairs(parents) do
  if #(parent.conditions or {}) == 0 then
    return waiting
  end
  for _, condition in ipairs(parent.conditions) do
    if condition.observedGeneration ~= obj.metadata.generation then
      return waiting
    end
    local essential = condition.type == "Accepted" or condition.type == "ResolvedRefs"
    if essential and condition.status == "False" and condition.reason ~= "BackendNotFound" then
      return { status = "Degraded", message = condition.message }
    end
  end
end
return { status = "Healthy", message = "taken by the gateway" }
"""

CUSTOM_RESOURCE_DEFINITION = """\
-- As Argo CD's own check, but one that is not established yet is on its way: Argo CD calls it degraded, and the root
-- application fails at once when an addon is degraded, and waits a minute before it tries again.
local health = { status = "Progressing", message = "not established yet" }
if obj.metadata.deletionTimestamp ~= nil then
  health.message = "terminating"
  return health
end
for _, condition in ipairs((obj.status or {}).conditions or {}) do
  if condition.type == "NamesAccepted" and condition.status == "False" then
    return { status = "Degraded", message = condition.message }
  end
  if condition.type == "NonStructuralSchema" and condition.status == "True" then
    return { status = "Degraded", message = condition.message }
  end
  if condition.type == "Established" and condition.status == "True" then
    health = { status = "Healthy", message = condition.message }
  end
end
return health
"""
