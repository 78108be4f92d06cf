create table hcsync_schema (version integer not null);

-- One row for each account. Whoever holds the lease raised its fence, and writes only while the fence is still his.
create table hcsync_accounts (
    id text primary key,
    name text,
    base_url text not null,
    fence bigint not null default 0,
    -- The process that holds the lease, or held it last.
    holder jsonb,
    held_since timestamptz,
    -- Null: released.
    expires_at timestamptz,
    -- When the next request of any process may be sent.
    next_place timestamptz not null default '-infinity',
    paused_until timestamptz not null default '-infinity'
);

create table hcsync_runs (
    id text primary key,
    account text not null references hcsync_accounts,
    -- run.json and summary.json, to be queried.
    facts jsonb not null,
    summary jsonb,
    updated_at timestamptz not null default now()
);
create index hcsync_runs_of_account on hcsync_runs (account, id);

-- Files in parts of one mebibyte. The owner is `account/ID` or `run/ID`.
create table hcsync_files (
    owner text not null,
    name text not null,
    part integer not null,
    sha256 bytea not null,
    content bytea not null,
    primary key (owner, name, part)
);

-- The journals, in the pieces in which they were written.
create table hcsync_journals (
    run text not null references hcsync_runs on delete cascade,
    position bigint not null,
    content bytea not null,
    primary key (run, position)
);
