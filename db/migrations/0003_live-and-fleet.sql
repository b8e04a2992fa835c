CREATE TABLE `events` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`timestamp` text NOT NULL,
	`event` text NOT NULL,
	`level` text NOT NULL,
	`vm_id` text,
	`host_id` text,
	`operation_id` text,
	`user_id` text,
	`data` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `events_user` ON `events` (`user_id`,`seq`);--> statement-breakpoint
CREATE INDEX `events_vm` ON `events` (`vm_id`,`seq`);--> statement-breakpoint
CREATE INDEX `events_timestamp` ON `events` (`timestamp`);--> statement-breakpoint
CREATE TABLE `host_images` (
	`image_id` text NOT NULL,
	`host_id` text NOT NULL,
	PRIMARY KEY(`image_id`, `host_id`),
	FOREIGN KEY (`host_id`) REFERENCES `hosts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `host_images_host` ON `host_images` (`host_id`);--> statement-breakpoint
CREATE TABLE `revocations` (
	`host_id` text PRIMARY KEY NOT NULL,
	`key_serial` integer,
	`created_at` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `watchers` (
	`hub` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`sees_all` integer NOT NULL,
	`told` integer NOT NULL
);
--> statement-breakpoint
DROP INDEX `vms_host`;--> statement-breakpoint
CREATE INDEX `vms_host` ON `vms` (`host_id`);--> statement-breakpoint
ALTER TABLE `hosts` ADD `maintenance` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `key_serial` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `allocated_vms` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `allocated_cpu` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `allocated_memory` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `allocated_disk` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `updatable` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `update_version` text;--> statement-breakpoint
ALTER TABLE `hosts` ADD `update_ordered_at` text;--> statement-breakpoint
ALTER TABLE `hosts` ADD `update_error` text;--> statement-breakpoint
ALTER TABLE `hosts` ADD `status_reason` text;
