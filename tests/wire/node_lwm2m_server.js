// SPDX-License-Identifier: MIT
// FIWARE's LwM2M server (lwm2m-node-lib) at the port that is given, driven line by line in JSON; see node_lwm2m.py.
//
// {"id": 1, "do": "read", "path": [5, 0, 3]}            -> {"id": 1, "value": "0"} or {"id": 1, "error": "..."}
// do: read, write and execute (with "value"), observe; a registration, an Update and a notification come by themselves.

'use strict';

const lwm2m = require('lwm2m-node-lib').server;
const readline = require('readline');

const say = (told) => process.stdout.write(JSON.stringify(told) + '\n');
const config = {
    port: Number(process.argv[2]),
    ipProtocol: 'udp4',
    serverProtocol: 'udp4',
    lifetimeCheckInterval: 1000,
    udpWindow: 100,
    defaultType: 'Device',
    types: [],
    logLevel: 'FATAL',
    formats: [],
    writeFormat: 'text/plain',
    defaultAcceptFormat: 'text/plain',
};

function answer(id) {
    return (error, value) => say(error ? { id, error: `${error.name} ${error.code || ''}`.trim() } : { id, value });
}

function obey(name, { id, do: what, path, value }) {
    lwm2m.getDevice(name, (error, device) => {
        const told = answer(id);
        if (error) {
            told(error);
        } else if (what === 'read') {
            lwm2m.read(device.id, ...path, told);
        } else if (what === 'observe') {
            lwm2m.observe(device.id, ...path, (now) => say({ event: 'notify', path, value: now }), told);
        } else {
            lwm2m[what](device.id, ...path, value || '', told);
        }
    });
}

lwm2m.start(config, (error, server) => {
    if (error) {
        throw error;
    }
    let name;
    lwm2m.setHandler(server, 'registration', (endpoint, lifetime, version, binding, objects, done) => {
        name = endpoint;
        say({ event: 'registered', endpoint, lifetime, version, objects });
        done();
    });
    lwm2m.setHandler(server, 'updateRegistration', (device, payload, done) => {
        say({ event: 'updated', lifetime: device.lifetime });
        done();
    });
    lwm2m.setHandler(server, 'unregistration', (device, done) => done());
    readline.createInterface({ input: process.stdin }).on('line', (line) => obey(name, JSON.parse(line)));
    process.stdin.on('end', () => process.exit());
    say({ event: 'up' });
});
