CREATE TABLE `audit` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`key` text NOT NULL,
	`timestamp` text NOT NULL,
	`user_id` text,
	`username` text,
	`credential` text NOT NULL,
	`credential_id` text,
	`address` text,
	`method` text NOT NULL,
	`route` text NOT NULL,
	`path` text NOT NULL,
	`request_id` text NOT NULL,
	`result` text NOT NULL,
	`code` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `audit_key_unique` ON `audit` (`key`);--> statement-breakpoint
CREATE INDEX `audit_user` ON `audit` (`user_id`,`seq`);--> statement-breakpoint
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
	`overcommit` text,
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
CREATE TABLE `images` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`os` text NOT NULL,
	`url` text NOT NULL,
	`sha256` text NOT NULL,
	`format` text NOT NULL,
	`min_disk` integer NOT NULL,
	`default_user` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `images_name_unique` ON `images` (`name`);--> statement-breakpoint
CREATE TABLE `logs` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`cause` text,
	`timestamp` text NOT NULL,
	`level` text NOT NULL,
	`message` text NOT NULL,
	`source` text NOT NULL,
	`user_id` text,
	`vm_id` text,
	`metadata` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `logs_cause_unique` ON `logs` (`cause`);--> statement-breakpoint
CREATE INDEX `logs_timestamp` ON `logs` (`timestamp`);--> statement-breakpoint
CREATE INDEX `logs_vm` ON `logs` (`vm_id`,`seq`);--> statement-breakpoint
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
CREATE TABLE `refresh_tokens` (
	`hash` text PRIMARY KEY NOT NULL,
	`session_id` text NOT NULL,
	`replaced_by` text,
	`used_at` text,
	FOREIGN KEY (`session_id`) REFERENCES `sessions`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `refresh_tokens_session` ON `refresh_tokens` (`session_id`);--> statement-breakpoint
CREATE INDEX `refresh_tokens_used` ON `refresh_tokens` (`used_at`);--> statement-breakpoint
CREATE TABLE `samples` (
	`at` integer PRIMARY KEY NOT NULL,
	`vms` text NOT NULL,
	`hosts` integer NOT NULL,
	`hosts_online` integer NOT NULL,
	`allocated_cpu` integer NOT NULL,
	`allocated_memory` integer NOT NULL,
	`allocated_disk` integer NOT NULL,
	`capacity_cpu` integer NOT NULL,
	`capacity_memory` integer NOT NULL,
	`capacity_disk` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`created_at` text NOT NULL,
	`refreshed_at` text NOT NULL,
	`expires_at` text NOT NULL,
	`ended_at` text,
	`end_reason` text,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `sessions_user` ON `sessions` (`user_id`,`ended_at`);--> statement-breakpoint
CREATE INDEX `sessions_expiry` ON `sessions` (`expires_at`);--> statement-breakpoint
CREATE TABLE `settings` (
	`one` integer PRIMARY KEY NOT NULL,
	`value` text NOT NULL,
	`updated_at` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`name` text NOT NULL,
	`hash` text NOT NULL,
	`scopes` text NOT NULL,
	`expires_at` text,
	`last_used_at` text,
	`created_at` text NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tokens_hash_unique` ON `tokens` (`hash`);--> statement-breakpoint
CREATE UNIQUE INDEX `tokens_user_name` ON `tokens` (`user_id`,`name`);--> statement-breakpoint
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`username` text NOT NULL,
	`email` text,
	`password_hash` text NOT NULL,
	`role` text NOT NULL,
	`plan` text NOT NULL,
	`permissions` text DEFAULT '[]' NOT NULL,
	`quota_vms` integer,
	`quota_cpu` integer,
	`quota_memory` integer,
	`quota_disk` integer,
	`quota_snapshots` integer,
	`disabled` integer DEFAULT false NOT NULL,
	`last_login_at` text,
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
CREATE INDEX `vms_host` ON `vms` (`host_id`,`cpu`,`memory`,`disk`);--> statement-breakpoint
CREATE INDEX `vms_owner_created` ON `vms` (`owner_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `vms_created` ON `vms` (`created_at`);