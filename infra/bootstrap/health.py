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
-- Healthy as long as somebody answers: a release that gets traffic has a replica that is available. The route is
-- applied after that, so it leads to nobody who is not there yet. How a challenger without traffic gets on is for the
-- canary loop to judge: a sync that waited for it would hold up the commit that takes it back.
local status = obj.status or {}
for _, predictor in ipairs(obj.spec.predictors) do
  -- As the operator calls the predictor's Deployment.
  local name = obj.metadata.name .. "-" .. predictor.name .. "-0"
  for _, container in ipairs(predictor.componentSpecs[1].spec.containers) do
    name = name .. "-" .. container.name
  end
  local deployment = (status.deploymentStatus or {})[name] or {}
  if (predictor.traffic or 100) > 0 and (deployment.availableReplicas or 0) > 0 then
    return { status = "Healthy", message = "predictor " .. predictor.name .. " is available" }
  end
end
if status.state == "Failed" then
  return { status = "Degraded", message = status.description or "the Seldon operator reports a failure" }
end
return { status = "Progressing", message = "no predictor that gets traffic is available yet" }
"""

HTTP_ROUTE = """\
-- As Argo CD's own check, but a route is healthy once the gateway has taken it, though a Service is still to come: that
-- of a challenger without traffic, which the operator makes in its own time.
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

HORIZONTAL_POD_AUTOSCALER = """\
-- Argo CD's own check calls one degraded that has no metrics yet, as those of a release that has just begun: the sync
-- that made it would fail, and hold up the next weight.
return { status = "Healthy", message = "it scales as soon as there are metrics" }
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
