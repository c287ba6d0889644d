// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice Ids of what can still be acted on, so that an actor need not search for one.
struct Ids {
    uint256[] list;
    mapping(uint256 id => uint256) place; // counted from 1
}

library IdSets {
    uint256 private constant NEWEST = 6;

    function add(Ids storage ids, uint256 id) internal {
        if (ids.place[id] != 0) return;
        ids.list.push(id);
        ids.place[id] = ids.list.length;
    }

    function remove(Ids storage ids, uint256 id) internal {
        uint256 place = ids.place[id];
        if (place == 0) return;
        uint256 last = ids.list[ids.list.length - 1];
        ids.list[place - 1] = last;
        ids.place[last] = place;
        ids.list.pop();
        delete ids.place[id];
    }

    /// @dev Mostly one of the newest, which most can still happen to; zero when there is none.
    function pick(Ids storage ids, uint256 seed) internal view returns (uint256) {
        uint256 count = ids.list.length;
        if (count == 0) return 0;
        uint256 among = seed % 4 == 0 || count < NEWEST ? count : NEWEST;
        return ids.list[count - 1 - (seed / 4) % among];
    }
}
