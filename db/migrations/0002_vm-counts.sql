CREATE TABLE `vm_counts` (
	`owner_id` text PRIMARY KEY NOT NULL,
	`count` integer NOT NULL
);
--> statement-breakpoint
INSERT INTO vm_counts (owner_id, count) SELECT owner_id, count(*) FROM vms GROUP BY owner_id;
--> statement-breakpoint
CREATE TRIGGER vm_counts_insert AFTER INSERT ON vms
BEGIN
  INSERT INTO vm_counts (owner_id, count) VALUES (NEW.owner_id, 1)
    ON CONFLICT (owner_id) DO UPDATE SET count = count + 1;
END;
--> statement-breakpoint
CREATE TRIGGER vm_counts_delete AFTER DELETE ON vms
BEGIN
  UPDATE vm_counts SET count = count - 1 WHERE owner_id = OLD.owner_id;
END;
