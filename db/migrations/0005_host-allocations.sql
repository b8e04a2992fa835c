-- What a host's machines have, beside what the host may be given. `drizzle-kit generate` leaves this file alone.
UPDATE hosts SET
  allocated_vms = (SELECT count(*) FROM vms WHERE host_id = hosts.id),
  allocated_cpu = (SELECT COALESCE(sum(cpu), 0) FROM vms WHERE host_id = hosts.id),
  allocated_memory = (SELECT COALESCE(sum(memory), 0) FROM vms WHERE host_id = hosts.id),
  allocated_disk = (SELECT COALESCE(sum(disk), 0) FROM vms WHERE host_id = hosts.id);
--> statement-breakpoint
CREATE TRIGGER host_allocations_insert AFTER INSERT ON vms
BEGIN
  UPDATE hosts SET allocated_vms = allocated_vms + 1, allocated_cpu = allocated_cpu + NEW.cpu,
    allocated_memory = allocated_memory + NEW.memory, allocated_disk = allocated_disk + NEW.disk
    WHERE id = NEW.host_id;
END;
--> statement-breakpoint
CREATE TRIGGER host_allocations_delete AFTER DELETE ON vms
BEGIN
  UPDATE hosts SET allocated_vms = allocated_vms - 1, allocated_cpu = allocated_cpu - OLD.cpu,
    allocated_memory = allocated_memory - OLD.memory, allocated_disk = allocated_disk - OLD.disk
    WHERE id = OLD.host_id;
END;
--> statement-breakpoint
CREATE TRIGGER host_allocations_update AFTER UPDATE OF cpu, memory, disk ON vms
WHEN OLD.cpu <> NEW.cpu OR OLD.memory <> NEW.memory OR OLD.disk <> NEW.disk
BEGIN
  UPDATE hosts SET allocated_cpu = allocated_cpu + NEW.cpu - OLD.cpu,
    allocated_memory = allocated_memory + NEW.memory - OLD.memory, allocated_disk = allocated_disk + NEW.disk - OLD.disk
    WHERE id = NEW.host_id;
END;
--> statement-breakpoint
CREATE TRIGGER host_allocations_move AFTER UPDATE OF host_id ON vms WHEN OLD.host_id <> NEW.host_id
BEGIN
  SELECT RAISE(ABORT, 'A machine never moves to another host: a host''s allocations would not follow');
END;
