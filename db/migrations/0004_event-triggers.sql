-- Every change that clients are told of writes its event itself: protocol/events.ts has the kinds and their words.
CREATE TRIGGER events_vm_created AFTER INSERT ON vms
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'vm-created', 'info', NEW.id, NEW.host_id, NULL, NEW.owner_id, json_object('name', NEW.name, 'status', NEW.status));
END;
--> statement-breakpoint
CREATE TRIGGER events_vm_status AFTER UPDATE OF status ON vms
WHEN OLD.status IS NOT NEW.status
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'vm-status-changed', CASE WHEN NEW.status = 'error' THEN 'error' WHEN NEW.status_reason IS NOT NULL THEN 'warn' ELSE 'info' END, NEW.id, NEW.host_id, NULL, NEW.owner_id, json_object('name', NEW.name, 'from', OLD.status, 'status', NEW.status));
END;
--> statement-breakpoint
CREATE TRIGGER events_vm_updated AFTER UPDATE OF name, description, labels, cpu, memory, disk, autostart, protected ON vms
WHEN OLD.name IS NOT NEW.name
  OR OLD.description IS NOT NEW.description
  OR OLD.labels IS NOT NEW.labels
  OR OLD.cpu IS NOT NEW.cpu
  OR OLD.memory IS NOT NEW.memory
  OR OLD.disk IS NOT NEW.disk
  OR OLD.autostart IS NOT NEW.autostart
  OR OLD.protected IS NOT NEW.protected
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'vm-updated', 'info', NEW.id, NEW.host_id, NULL, NEW.owner_id, json_object('name', NEW.name, 'from', OLD.name, 'status', NEW.status));
END;
--> statement-breakpoint
CREATE TRIGGER events_vm_deleted AFTER DELETE ON vms
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'vm-deleted', 'info', OLD.id, OLD.host_id, NULL, OLD.owner_id, json_object('name', OLD.name));
END;
--> statement-breakpoint
CREATE TRIGGER events_operation_accepted AFTER INSERT ON operations
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'operation-accepted', 'info', NEW.vm_id, NEW.host_id, NEW.id, COALESCE((SELECT v.owner_id FROM vms v WHERE v.id = NEW.vm_id), NEW.user_id), json_object('kind', NEW.kind, 'status', NEW.status));
END;
--> statement-breakpoint
CREATE TRIGGER events_operation_status AFTER UPDATE OF status ON operations
WHEN OLD.status IS NOT NEW.status
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), CASE NEW.status WHEN 'running' THEN 'operation-started' ELSE 'operation-ended' END, CASE WHEN NEW.status IN ('failed', 'unknown') THEN 'error' ELSE 'info' END, NEW.vm_id, NEW.host_id, NEW.id, COALESCE((SELECT v.owner_id FROM vms v WHERE v.id = NEW.vm_id), NEW.user_id), json_object('kind', NEW.kind, 'status', NEW.status, 'code', NEW.error_code));
END;
--> statement-breakpoint
CREATE TRIGGER events_host_added AFTER INSERT ON hosts
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'host-added', 'info', NULL, NEW.id, NULL, NULL, json_object('name', NEW.name));
END;
--> statement-breakpoint
CREATE TRIGGER events_host_status AFTER UPDATE OF status ON hosts
WHEN OLD.status IS NOT NEW.status
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'host-' || NEW.status, CASE NEW.status WHEN 'online' THEN 'info' ELSE 'warn' END, NULL, NEW.id, NULL, NULL, json_object('name', NEW.name, 'from', OLD.status, 'status', NEW.status));
END;
--> statement-breakpoint
CREATE TRIGGER events_host_updated AFTER UPDATE OF name, labels, schedulable, maintenance, overcommit ON hosts
WHEN OLD.name IS NOT NEW.name
  OR OLD.labels IS NOT NEW.labels
  OR OLD.schedulable IS NOT NEW.schedulable
  OR OLD.maintenance IS NOT NEW.maintenance
  OR OLD.overcommit IS NOT NEW.overcommit
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'host-updated', 'info', NULL, NEW.id, NULL, NULL, json_object('name', NEW.name));
END;
--> statement-breakpoint
CREATE TRIGGER events_host_removed AFTER DELETE ON hosts
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'host-removed', 'warn', NULL, OLD.id, NULL, NULL, json_object('name', OLD.name));
END;
--> statement-breakpoint
CREATE TRIGGER events_image_added AFTER INSERT ON images
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'image-added', 'info', NULL, NULL, NULL, NULL, json_object('name', NEW.name));
END;
--> statement-breakpoint
CREATE TRIGGER events_image_deleted AFTER DELETE ON images
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'image-deleted', 'info', NULL, NULL, NULL, NULL, json_object('name', OLD.name));
END;
--> statement-breakpoint
CREATE TRIGGER events_user_created AFTER INSERT ON users
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'user-created', 'info', NULL, NULL, NULL, NULL, json_object('name', NEW.username));
END;
--> statement-breakpoint
CREATE TRIGGER events_user_updated AFTER UPDATE OF username, email, role, plan, permissions, disabled, quota_vms, quota_cpu, quota_memory, quota_disk, quota_snapshots ON users
WHEN OLD.username IS NOT NEW.username
  OR OLD.email IS NOT NEW.email
  OR OLD.role IS NOT NEW.role
  OR OLD.plan IS NOT NEW.plan
  OR OLD.permissions IS NOT NEW.permissions
  OR OLD.disabled IS NOT NEW.disabled
  OR OLD.quota_vms IS NOT NEW.quota_vms
  OR OLD.quota_cpu IS NOT NEW.quota_cpu
  OR OLD.quota_memory IS NOT NEW.quota_memory
  OR OLD.quota_disk IS NOT NEW.quota_disk
  OR OLD.quota_snapshots IS NOT NEW.quota_snapshots
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'user-updated', 'info', NULL, NULL, NULL, NULL, json_object('name', NEW.username));
END;
--> statement-breakpoint
CREATE TRIGGER events_user_deleted AFTER DELETE ON users
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'user-deleted', 'info', NULL, NULL, NULL, NULL, json_object('name', OLD.username));
END;
--> statement-breakpoint
CREATE TRIGGER events_config_set AFTER INSERT ON settings
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'config-updated', 'info', NULL, NULL, NULL, NULL, '{}');
END;
--> statement-breakpoint
CREATE TRIGGER events_config_updated AFTER UPDATE OF value ON settings
WHEN OLD.value IS NOT NEW.value
BEGIN
  INSERT INTO events (timestamp, event, level, vm_id, host_id, operation_id, user_id, data) VALUES
    (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'config-updated', 'info', NULL, NULL, NULL, NULL, '{}');
END;
