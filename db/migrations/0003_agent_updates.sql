ALTER TABLE `hosts` ADD `update_version` text;--> statement-breakpoint
ALTER TABLE `hosts` ADD `update_ordered_at` text;--> statement-breakpoint
ALTER TABLE `hosts` ADD `update_error` text;--> statement-breakpoint
CREATE INDEX `operations_vm_pending` ON `operations` (`vm_id`,`seq`) WHERE status IN ('queued', 'running');