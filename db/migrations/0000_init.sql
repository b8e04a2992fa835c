CREATE TABLE `hosts` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`status` text NOT NULL,
	`schedulable` integer DEFAULT true NOT NULL,
	`labels` text NOT NULL,
	`public_key` text,
	`enrolment_hash` text,
	`enrolment_expires_at` text,
	`enrolled_at` text,
	`facts` text,
	`capacity_cpu` integer DEFAULT 0 NOT NULL,
	`capacity_memory` integer DEFAULT 0 NOT NULL,
	`capacity_disk` integer DEFAULT 0 NOT NULL,
	`agent_version` text,
	`epoch` integer DEFAULT 0 NOT NULL,
	`last_seen_at` text,
	`created_at` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `hosts_name_unique` ON `hosts` (`name`);--> statement-breakpoint
CREATE UNIQUE INDEX `hosts_enrolment_hash` ON `hosts` (`enrolment_hash`);--> statement-breakpoint
CREATE TABLE `operations` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`kind` text NOT NULL,
	`status` text NOT NULL,
	`vm_id` text NOT NULL,
	`generation` integer NOT NULL,
	`host_id` text NOT NULL,
	`user_id` text NOT NULL,
	`request_id` text NOT NULL,
	`input` text,
	`via` text,
	`target` text NOT NULL,
	`percent` integer DEFAULT 0 NOT NULL,
	`step` text,
	`step_message` text,
	`result` text,
	`error_code` text,
	`error_message` text,
	`created_at` text NOT NULL,
	`started_at` text,
	`finished_at` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `operations_id_unique` ON `operations` (`id`);--> statement-breakpoint
CREATE INDEX `operations_vm` ON `operations` (`vm_id`,`seq`);--> statement-breakpoint
CREATE INDEX `operations_vm_pending` ON `operations` (`vm_id`,`seq`) WHERE status IN ('queued', 'running');--> statement-breakpoint
CREATE INDEX `operations_user` ON `operations` (`user_id`,`seq`);--> statement-breakpoint
CREATE INDEX `operations_host_pending` ON `operations` (`host_id`,`seq`) WHERE status IN ('queued', 'running');--> statement-breakpoint
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`username` text NOT NULL,
	`email` text,
	`password_hash` text NOT NULL,
	`role` text NOT NULL,
	`plan` text NOT NULL,
	`disabled` integer DEFAULT false NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_username_unique` ON `users` (`username`);--> statement-breakpoint
CREATE TABLE `vms` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`description` text NOT NULL,
	`owner_id` text NOT NULL,
	`host_id` text NOT NULL,
	`generation` integer DEFAULT 1 NOT NULL,
	`status` text NOT NULL,
	`observed` text NOT NULL,
	`status_reason` text,
	`cpu` integer NOT NULL,
	`memory` integer NOT NULL,
	`disk` integer NOT NULL,
	`os` text NOT NULL,
	`image_id` text NOT NULL,
	`network` text NOT NULL,
	`mac_address` text NOT NULL,
	`autostart` integer NOT NULL,
	`protected` integer NOT NULL,
	`labels` text NOT NULL,
	`accelerator` text,
	`created_at` text NOT NULL,
	`started_at` text,
	`updated_at` text NOT NULL,
	FOREIGN KEY (`owner_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`host_id`) REFERENCES `hosts`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `vms_mac_address_unique` ON `vms` (`mac_address`);--> statement-breakpoint
CREATE UNIQUE INDEX `vms_owner_name` ON `vms` (`owner_id`,`name`);--> statement-breakpoint
CREATE INDEX `vms_host` ON `vms` (`host_id`);